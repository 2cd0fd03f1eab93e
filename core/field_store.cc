#include "core/field_store.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace tidemark {
namespace {

constexpr uint32_t kEntryStep = 4;
constexpr uint32_t kAlignment = 8;

constexpr uint32_t Align(uint32_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Room for a value: a little more than it needs, so that its successors fit.
constexpr uint32_t WithSlack(uint32_t bytes) { return Align(bytes + bytes / 8); }

}  // namespace

FieldStore::~FieldStore() { std::free(block_); }

FieldStore::FieldStore(FieldStore&& other) noexcept { *this = std::move(other); }

FieldStore& FieldStore::operator=(FieldStore&& other) noexcept {
  std::swap(present_, other.present_);
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(used_, other.used_);
  std::swap(entry_capacity_, other.entry_capacity_);
  return *this;
}

// Moves everything to a new block with room for that many entries and bytes, leaving the gaps behind.
void FieldStore::Reserve(uint32_t entries, uint32_t extra_bytes) {
  const uint32_t count = Count();
  const uint32_t new_entry_capacity = (entries + kEntryStep - 1) / kEntryStep * kEntryStep;
  uint32_t live = static_cast<uint32_t>(new_entry_capacity * sizeof(Entry));
  for (uint32_t i = 0; i < count; ++i) live += Entries()[i].capacity;
  const uint32_t new_capacity = Align(live + extra_bytes + live / 8);
  char* const block = static_cast<char*>(std::malloc(new_capacity));
  if (block == nullptr) throw std::bad_alloc();
  uint32_t used = static_cast<uint32_t>(new_entry_capacity * sizeof(Entry));
  Entry* const moved = reinterpret_cast<Entry*>(block);
  for (uint32_t i = 0; i < count; ++i) {
    moved[i] = Entries()[i];
    std::memcpy(block + used, block_ + moved[i].offset, moved[i].size);
    moved[i].offset = used;
    used += moved[i].capacity;
  }
  std::free(block_);
  block_ = block;
  capacity_ = new_capacity;
  used_ = used;
  entry_capacity_ = new_entry_capacity;
}

uint32_t FieldStore::Allocate(uint32_t bytes) {
  if (used_ + bytes > capacity_) Reserve(Count(), bytes);
  const uint32_t offset = used_;
  used_ += bytes;
  return offset;
}

void FieldStore::Set(Slot slot, EventTime time, std::string_view value, uint64_t fingerprint) {
  const auto size = static_cast<uint32_t>(value.size());
  if (!Has(slot)) {
    const uint32_t count = Count();
    if (count == entry_capacity_) Reserve(count + 1, WithSlack(size));
    const uint32_t rank = Rank(slot);
    std::memmove(Entries() + rank + 1, Entries() + rank, (count - rank) * sizeof(Entry));
    Entries()[rank] = Entry{time, fingerprint, 0, 0, 0};
    present_ |= Bit(slot);
  }
  if (size > EntryOf(slot).capacity) {
    EntryOf(slot).size = 0;
    EntryOf(slot).capacity = 0;  // its old place is not carried along
    const uint32_t capacity = WithSlack(size);
    const uint32_t offset = Allocate(capacity);
    EntryOf(slot).offset = offset;
    EntryOf(slot).capacity = capacity;
  }
  Entry& entry = EntryOf(slot);
  entry.time = time;
  entry.fingerprint = fingerprint;
  entry.size = size;
  if (size > 0) std::memcpy(block_ + entry.offset, value.data(), size);
}

void FieldStore::KeepOnly(Slot slot) {
  FieldStore kept;
  if (Has(slot)) kept.Set(slot, TimeOf(slot), Get(slot), FingerprintOf(slot));
  *this = std::move(kept);
}

}  // namespace tidemark
