// The values of one session: a small map from Slot to bytes, in one block of memory.
//
// The block begins with a directory of the slots that are present, in slot order, each with the event time its value
// comes from; the values lie behind it, with some slack so that one that grows a little stays where it is. A session
// without a block (moved from, or cleared) is empty. There are no pointers inside: a block can be copied as it is.
// A value's view is valid until the next Set or Erase. One thread at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "core/event_rules.h"
#include "core/types.h"

namespace tidemark {

class FieldStore {
 public:
  FieldStore() = default;
  ~FieldStore();
  FieldStore(FieldStore&& other) noexcept;
  FieldStore& operator=(FieldStore&& other) noexcept;

  bool Has(Slot slot) const { return (present_ & Bit(slot)) != 0; }

  // The value, empty where there is none.
  std::string_view Get(Slot slot) const {
    if (!Has(slot)) return {};
    const Entry& entry = EntryOf(slot);
    return {block_ + entry.offset, entry.size};
  }

  // The event time the value comes from. REQUIRES: Has(slot).
  EventTime TimeOf(Slot slot) const { return EntryOf(slot).time; }
  void SetTime(Slot slot, EventTime time) { EntryOf(slot).time = time; }

  // What Set was given; a hash of the bytes the value was projected from, or 0.
  uint64_t FingerprintOf(Slot slot) const { return EntryOf(slot).fingerprint; }

  // Stores a copy of `value`, which must not point into this store.
  void Set(Slot slot, EventTime time, std::string_view value, uint64_t fingerprint = 0);

  // Makes room for so many values of so many bytes in all, for a caller that knows what will come.
  void Reserve(uint32_t values, uint32_t bytes);

  // Forgets everything but `slot`.
  void KeepOnly(Slot slot);

  // Asks the processor for the block, which a joining event touches in many places.
  void Prefetch() const {
    for (uint32_t line = 0; line < used_; line += 64) __builtin_prefetch(block_ + line);
  }

  // Bytes held on the heap.
  uint64_t bytes() const { return capacity_; }

 private:
  struct Entry {
    EventTime time;
    uint64_t fingerprint;
    uint32_t offset;  // from the beginning of the block
    uint32_t size;
    uint32_t capacity;
  };

  static constexpr uint64_t Bit(Slot slot) { return uint64_t{1} << static_cast<unsigned>(slot); }
  // How many slots before it are present.
  uint32_t Rank(Slot slot) const { return static_cast<uint32_t>(std::popcount(present_ & (Bit(slot) - 1))); }
  Entry* Entries() const { return reinterpret_cast<Entry*>(block_); }
  Entry& EntryOf(Slot slot) const { return Entries()[Rank(slot)]; }
  uint32_t Count() const { return static_cast<uint32_t>(std::popcount(present_)); }
  uint32_t Allocate(uint32_t bytes);

  uint64_t present_ = 0;
  char* block_ = nullptr;
  uint32_t capacity_ = 0;        // of the block
  uint32_t used_ = 0;            // where the next value goes
  uint32_t entry_capacity_ = 0;  // of the directory
};

static_assert(static_cast<size_t>(Slot::kCount) <= 64);

}  // namespace tidemark
