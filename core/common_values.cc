#include "core/common_values.h"

#include <algorithm>

#include "core/quick_hash.h"

namespace tidemark {

void CommonValue::KeepJson(std::string_view json) {
  json_ = json;
  owner_.value_bytes_ += json_.size();
}

CommonValues::Source::Source(Slot source_slot, std::string_view source_bytes)
    : slot(source_slot),
      bytes(source_bytes),
      hash(MultiplyFold(QuickHash(source_bytes), 0x9E3779B97F4A7C15 + 2 * static_cast<uint64_t>(source_slot))) {}

CommonValues::CommonValues() : sets_(kFirstSets), seen_(kFirstSets * kSeenPerSet) {}

CommonValues::~CommonValues() {
  for (const Set& set : sets_) {
    for (CommonValue* value : set.values) Forget(value);
  }
}

CommonValue* CommonValues::Add(const Source& source, std::string_view bytes) {
  if (source.bytes.size() > kMostBytes || bytes.size() < kLeastBytes || !IsSeenAgain(source)) return nullptr;
  Set& set = sets_[source.hash & mask_];
  const size_t way = WayToReplace(set, source.hash);
  Forget(set.values[way]);
  auto* const value = new CommonValue(*this, source.slot, source.bytes, bytes);
  value_bytes_ += value->Size();
  set.hashes[way] = source.hash;
  set.values[way] = value;
  return value;
}

bool CommonValues::IsSeenAgain(const Source& source) {
  uint32_t& seen = seen_[(source.hash >> 32) & (seen_.size() - 1)];
  const auto mark = static_cast<uint32_t>(source.hash) | 1;
  const bool again = seen == mark;
  seen = mark;
  return again;
}

// An empty way; else one whose value no session refers to; else any.
size_t CommonValues::WayToReplace(const Set& set, uint64_t hash) {
  size_t unused = (hash >> 60) % kWays;
  for (size_t way = 0; way < kWays; ++way) {
    if (set.values[way] == nullptr) return way;
    if (set.values[way]->references_ == 0) unused = way;
  }
  return unused;
}

void CommonValues::Forget(CommonValue* value) {
  if (value == nullptr) return;
  value->can_be_found_ = false;
  if (value->references_ == 0) Free(value);
}

void CommonValues::Free(CommonValue* value) {
  value_bytes_ -= value->Size();
  delete value;
}

// A set's values go to two sets, so there is room for all.
void CommonValues::Grow() {
  const std::vector<Set> old = std::move(sets_);
  sets_.assign(old.size() * 2, {});
  mask_ = sets_.size() - 1;
  seen_.assign(seen_.size() * 2, 0);
  for (const Set& set : old) {
    for (size_t way = 0; way < kWays; ++way) {
      Set& to = sets_[set.hashes[way] & mask_];
      if (set.values[way] == nullptr) continue;
      const size_t free =
          static_cast<size_t>(std::find(to.values.begin(), to.values.end(), nullptr) - to.values.begin());
      to.hashes[free] = set.hashes[way];
      to.values[free] = set.values[way];
    }
  }
}

uint64_t CommonValues::bytes() const {
  return sets_.capacity() * sizeof(Set) + seen_.capacity() * sizeof(uint32_t) + value_bytes_;
}

}  // namespace tidemark
