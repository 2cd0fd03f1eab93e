#include "core/field_store.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "core/byte_buffer.h"

namespace tidemark {
namespace {

constexpr uint32_t kEntryStep = 4;

}  // namespace

FieldStore::~FieldStore() { std::free(block_); }

FieldStore::FieldStore(FieldStore&& other) noexcept { *this = std::move(other); }

FieldStore& FieldStore::operator=(FieldStore&& other) noexcept {
  std::swap(present_, other.present_);
  std::swap(shared_, other.shared_);
  std::swap(shared_time_, other.shared_time_);
  std::swap(shared_hash_, other.shared_hash_);
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(used_, other.used_);
  std::swap(entry_capacity_, other.entry_capacity_);
  return *this;
}

void FieldStore::Entry::SetSize(uint32_t bytes, uint32_t capacity) {
  size = bytes;
  slack = static_cast<uint16_t>(
      std::min<uint32_t>((capacity - Align(bytes)) / kUnit, std::numeric_limits<uint16_t>::max()));
}

// Moves everything to a new block with room for that many entries and bytes, leaving the gaps behind.
void FieldStore::Reserve(uint32_t entries, uint32_t extra_bytes) {
  const uint32_t count = Count();
  const uint32_t new_entry_capacity = (entries + kEntryStep - 1) / kEntryStep * kEntryStep;
  uint32_t live = static_cast<uint32_t>(new_entry_capacity * sizeof(Entry));
  for (uint32_t i = 0; i < count; ++i) live += Entries()[i].Capacity();
  const uint32_t new_capacity = Align(live + extra_bytes + live / 8);
  char* const block = static_cast<char*>(std::malloc(new_capacity));
  if (block == nullptr) throw std::bad_alloc();
  uint32_t used = static_cast<uint32_t>(new_entry_capacity * sizeof(Entry));
  Entry* const moved = reinterpret_cast<Entry*>(block);
  for (uint32_t i = 0; i < count; ++i) {
    moved[i] = Entries()[i];
    std::memcpy(block + used, block_ + moved[i].offset, moved[i].size);
    moved[i].offset = used;
    used += moved[i].Capacity();
  }
  std::free(block_);
  block_ = block;
  capacity_ = new_capacity;
  used_ = used;
  entry_capacity_ = new_entry_capacity;
}

// An entry for a slot without one; a place of `room` bytes will follow.
void FieldStore::Insert(Slot slot, uint32_t room) {
  const uint32_t count = Count();
  if (count == entry_capacity_) Reserve(count + 1, Align(room));
  Entry* const entry = Entries() + Rank(slot);
  std::memmove(entry + 1, entry, static_cast<size_t>(Entries() + count - entry) * sizeof(Entry));
  *entry = Entry{used_, 0, Entry::kTimeless, 0};
  present_ |= Bit(slot);
}

// Gives the slot a place of `size` bytes, of which the first `kept` are what they were; `room` is for a new place.
char* FieldStore::Resize(Slot slot, uint32_t size, uint32_t kept, uint32_t room) {
  if (!Has(slot)) Insert(slot, room);
  Entry* entry = &EntryOf(slot);
  uint32_t capacity = entry->Capacity();
  if (size > capacity) {
    capacity = Align(room);
    if (used_ + capacity > capacity_) {
      entry->SetSize(kept, Align(kept));
      Reserve(Count(), capacity);
      entry = &EntryOf(slot);
    }
    if (kept > 0) std::memcpy(block_ + used_, block_ + entry->offset, kept);
    entry->offset = used_;
    used_ += capacity;
  }
  entry->SetSize(size, capacity);
  return block_ + entry->offset;
}

void FieldStore::Set(Slot slot, EventTime time, std::string_view value) {
  EndSharingOf(slot);
  const auto size = static_cast<uint32_t>(value.size());
  char* const place = Resize(slot, size, 0, size + size / 8);  // so that a successor a little longer fits
  EntryOf(slot).SetTime(time);
  CopyShort(place, value.data(), value.size());
}

void FieldStore::Append(Slot slot, std::string_view more) {
  const auto old_size = static_cast<uint32_t>(Get(slot).size());
  const auto added = static_cast<uint32_t>(more.size());
  const uint32_t size = old_size + added;
  char* const place = Resize(slot, size, old_size, size + std::max(2 * added, size / 4));  // more will follow
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
