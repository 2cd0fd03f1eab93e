#include "core/field_store.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "core/byte_buffer.h"

namespace tidemark {
namespace {

constexpr uint32_t kEntryStep = 4;
constexpr uint32_t kLeastSlack = 128;  // of a block, in bytes
constexpr uint32_t kMostBytes = uint32_t{1} << 31;

}  // namespace

FieldStore::~FieldStore() {
  for (uint64_t rest = common_; rest != 0; rest &= rest - 1)
    Common(static_cast<Slot>(std::countr_zero(rest)))->Release();
  std::free(block_);
}

FieldStore::FieldStore(FieldStore&& other) noexcept { *this = std::move(other); }

FieldStore& FieldStore::operator=(FieldStore&& other) noexcept {
  std::swap(present_, other.present_);
  std::swap(common_, other.common_);
  std::swap(shared_, other.shared_);
  std::swap(shared_time_, other.shared_time_);
  std::swap(shared_hash_, other.shared_hash_);
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(used_, other.used_);
  std::swap(entry_capacity_, other.entry_capacity_);
  return *this;
}

void FieldStore::Reserve(uint32_t bytes) {
  if (bytes <= capacity_) return;
  char* const block = static_cast<char*>(std::realloc(block_, bytes));
  if (block == nullptr) throw std::bad_alloc();
  block_ = block;
  capacity_ = bytes;
}

// Moves what lies from `at` on by so many bytes.
void FieldStore::OpenGap(uint32_t at, uint32_t bytes) {
  if (uint64_t{used_} + bytes > kMostBytes) throw std::bad_alloc();
  const uint32_t needed = used_ + bytes;
  if (needed > capacity_) Reserve(Align(needed + std::max(needed / 8, kLeastSlack)));
  std::memmove(block_ + at + bytes, block_ + at, used_ - at);
  used_ = needed;
  const uint32_t count = Count();
  for (Entry* entry = Entries(); entry != Entries() + count; ++entry) {
    if (entry->offset >= at) entry->offset += bytes;
  }
}

// Moves what lies behind so many bytes at `at` back over them.
void FieldStore::CloseGap(uint32_t at, uint32_t bytes) {
  std::memmove(block_ + at, block_ + at + bytes, used_ - at - bytes);
  used_ -= bytes;
  const uint32_t count = Count();
  for (Entry* entry = Entries(); entry != Entries() + count; ++entry) {
    if (entry->offset >= at + bytes) entry->offset -= bytes;
  }
}

// An entry for a slot without one, with no bytes yet.
FieldStore::Entry& FieldStore::Insert(Slot slot) {
  const uint32_t count = Count();
  if (count == entry_capacity_) {
    OpenGap(static_cast<uint32_t>(count * sizeof(Entry)), kEntryStep * sizeof(Entry));
    entry_capacity_ += kEntryStep;
  }
  Entry* const entry = Entries() + Rank(slot);
  std::memmove(entry + 1, entry, static_cast<size_t>(Entries() + count - entry) * sizeof(Entry));
  *entry = Entry{used_, 0, Entry::kTimeless};
  present_ |= Bit(slot);
  return *entry;
}

// Gives the slot's value this time and size; what both sizes have of it stays. Where its place is too small, that
// becomes `room` bytes.
char* FieldStore::Resize(Slot slot, EventTime time, uint32_t size, uint32_t room) {
  Entry* entry = Has(slot) ? &EntryOf(slot) : &Insert(slot);
  const uint32_t offset = entry->offset;
  uint32_t capacity = entry->Capacity();
  if (size > capacity) {
    OpenGap(offset + capacity, Align(room) - capacity);
    entry = &EntryOf(slot);
    capacity = Align(room);
  }
  entry->offset = offset;  // one without bytes lay where the gap began, and moved
  entry->size = size;
  const uint32_t slack = capacity - Align(size);
  const bool too_much = slack / kUnit > Entry::kMostSlack;
  if (too_much) CloseGap(offset + Align(size), slack);
  entry->SetTime(time, too_much ? 0 : slack / kUnit);
  return block_ + offset;
}

void FieldStore::Set(Slot slot, EventTime time, std::string_view value) {
  if (value.size() > kMostBytes) throw std::bad_alloc();
  EndSharingOf(slot);
  Release(slot);
  const auto size = static_cast<uint32_t>(value.size());
  char* const place = Resize(slot, time, size, size);
  CopyShort(place, value.data(), value.size());
}

void FieldStore::Refer(Slot slot, EventTime time, CommonValue& value) {
  if (Common(slot) == &value) return SetTime(slot, time);
  const CommonValue* const reference = &value;
  value.Refer();
  Set(slot, time, {reinterpret_cast<const char*>(&reference), sizeof(reference)});
  common_ |= Bit(slot);
}

void FieldStore::CopyFrom(const FieldStore& other, Slot slot) {
  if (CommonValue* const common = other.Common(slot)) return Refer(slot, other.TimeOf(slot), *common);
  Set(slot, other.TimeOf(slot), other.Get(slot));
}

void FieldStore::Release(Slot slot) {
  if (CommonValue* const value = Common(slot)) value->Release();
  common_ &= ~Bit(slot);
}

void FieldStore::Append(Slot slot, std::string_view more) {
  const auto old_size = static_cast<uint32_t>(Get(slot).size());
  const auto added = static_cast<uint32_t>(more.size());
  const uint32_t size = old_size + added;
  const EventTime time = Has(slot) ? TimeOf(slot) : kBeforeAllTime;
  char* const place = Resize(slot, time, size, size + 3 * added);  // more will follow
  CopyShort(place + old_size, more.data(), added);
}

void FieldStore::Share(uint64_t slots, EventTime time, uint64_t hash) {
  EndSharing();
  shared_ = slots;
  shared_time_ = time;
  shared_hash_ = hash;
}

void FieldStore::EndSharing() {
  for (uint64_t rest = std::exchange(shared_, 0); rest != 0; rest &= rest - 1) {
    EntryOf(static_cast<Slot>(std::countr_zero(rest))).SetTime(shared_time_);
  }
}

void FieldStore::KeepOnly(Slot slot) {
  FieldStore kept;
  if (Has(slot)) kept.Set(slot, TimeOf(slot), Get(slot));
  *this = std::move(kept);
}

}  // namespace tidemark
