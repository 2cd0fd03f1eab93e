// The values of one session: a small map from Slot to bytes, in one block of memory.
//
// The block begins with a directory of the slots that are present, in slot order, each with the event time its value
// comes from; the values lie behind it without gaps. A value that outgrows its place moves on what lies behind it, and
// keeps its place when it gets shorter; all share the slack at the end of the block. A session without a block (moved
// from, or cleared) is empty. A value that many sessions have in common (common_values.h) is referred to: its bytes in
// the block are a pointer.
//
// Most events say again, byte for byte, what the ones before them said of browser, device, place and address. So values
// that one event has set together can share their time, under a hash of the bytes they come from: Renew moves it on for
// all of them. The sharing ends as soon as one of them is set by itself.
//
// A value's view is valid until the next change. One thread at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/common_values.h"
#include "core/event_rules.h"
#include "core/types.h"

namespace tidemark {

class FieldStore {
 public:
  FieldStore() = default;
  ~FieldStore();
  FieldStore(FieldStore&& other) noexcept;
  FieldStore& operator=(FieldStore&& other) noexcept;

  // A slot as a member of a set of them.
  static constexpr uint64_t Bit(Slot slot) { return uint64_t{1} << static_cast<unsigned>(slot); }

  bool Has(Slot slot) const { return (present_ & Bit(slot)) != 0; }

  // The value, empty where there is none.
  std::string_view Get(Slot slot) const {
    if (!Has(slot)) return {};
    if (const CommonValue* common = Common(slot)) return common->bytes();
    const Entry& entry = EntryOf(slot);
    return {block_ + entry.offset, entry.size};
  }

  // What the slot refers to; null where it has a value of its own, or none.
  CommonValue* Common(Slot slot) const {
    if ((common_ & Bit(slot)) == 0) return nullptr;
    CommonValue* value = nullptr;
    std::memcpy(&value, block_ + EntryOf(slot).offset, sizeof(value));
    return value;
  }

  // The event time the value comes from. REQUIRES: Has(slot).
  EventTime TimeOf(Slot slot) const { return (shared_ & Bit(slot)) != 0 ? shared_time_ : EntryOf(slot).Time(); }
  void SetTime(Slot slot, EventTime time) {
    EndSharingOf(slot);
    EntryOf(slot).SetTime(time);
  }

  // Stores a copy of `value`, which must not point into this store.
  void Set(Slot slot, EventTime time, std::string_view value);

  // Makes the slot's value a common one.
  void Refer(Slot slot, EventTime time, CommonValue& value);

  // Takes over the slot's value and time from another session's store, which has it.
  void CopyFrom(const FieldStore& other, Slot slot);

  // Adds bytes, which must not point into this store, behind a value; to none they are the first. REQUIRES: the
  // slot does not refer to a common value.
  void Append(Slot slot, std::string_view more);

  // The slots of the set, each of the time `time`, were set together from bytes with that hash.
  void Share(uint64_t slots, EventTime time, uint64_t hash);

  // Whether the values that share their time come from bytes with that hash, and `time` is no earlier. Then it is
  // theirs.
  bool Renew(uint64_t hash, EventTime time) {
    if (shared_ == 0 || hash != shared_hash_ || time < shared_time_) return false;
    shared_time_ = time;
    return true;
  }

  // Makes the block that large, for a caller that knows what will come.
  void Reserve(uint32_t bytes);

  // Forgets everything but `slot`.
  void KeepOnly(Slot slot);

  // Asks the processor for the block, which a joining event touches in many places; of a large one for its beginning.
  void Prefetch() const {
    constexpr uint32_t kMost = 2048;
    const uint32_t end = used_ < kMost ? used_ : kMost;
    for (uint32_t line = 0; line < end; line += 64) __builtin_prefetch(block_ + line);
  }

  // Bytes held on the heap.
  uint64_t bytes() const { return capacity_; }

 private:
  static constexpr uint32_t kUnit = 8;  // places are multiples of it

  static constexpr uint32_t Align(uint32_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

  struct Entry {
    uint32_t offset;  // from the beginning of the block
    uint32_t size;
    uint64_t slack_and_time;  // 16 bits, 48 bits; written as one, because it is read again at once

    static constexpr int kTimeBits = 48;
    static constexpr uint64_t kTimeless = (uint64_t{1} << kTimeBits) - 1;  // later than the year 9999
    static constexpr uint32_t kMostSlack = UINT16_MAX;                     // more room than that is taken back

    // Milliseconds since 1970, or before all time.
    EventTime Time() const {
      const uint64_t time = slack_and_time & kTimeless;
      return time == kTimeless ? kBeforeAllTime : EventTime{static_cast<int64_t>(time)};
    }
    // In units of room behind the value.
    uint32_t Slack() const { return static_cast<uint32_t>(slack_and_time >> kTimeBits); }
    uint32_t Capacity() const { return Align(size) + Slack() * kUnit; }
    void SetTime(EventTime t, uint32_t slack) {
      const uint64_t time = t == kBeforeAllTime ? kTimeless : static_cast<uint64_t>(t.ms) & kTimeless;
      slack_and_time = uint64_t{slack} << kTimeBits | time;
    }
    void SetTime(EventTime t) { SetTime(t, Slack()); }
  };

  // How many slots before it are present.
  uint32_t Rank(Slot slot) const { return static_cast<uint32_t>(std::popcount(present_ & (Bit(slot) - 1))); }
  Entry* Entries() const { return reinterpret_cast<Entry*>(block_); }
  Entry& EntryOf(Slot slot) const { return Entries()[Rank(slot)]; }
  uint32_t Count() const { return static_cast<uint32_t>(std::popcount(present_)); }
  void OpenGap(uint32_t at, uint32_t bytes);
  void CloseGap(uint32_t at, uint32_t bytes);
  Entry& Insert(Slot slot);
  char* Resize(Slot slot, EventTime time, uint32_t size, uint32_t room);
  void Release(Slot slot);
  void EndSharing();
  void EndSharingOf(Slot slot) {
    if ((shared_ & Bit(slot)) != 0) EndSharing();
  }

  uint64_t present_ = 0;
  uint64_t common_ = 0;  // the slots that refer to a common value
  uint64_t shared_ = 0;  // the slots whose time is shared_time_, whatever their entries say
  EventTime shared_time_;
  uint64_t shared_hash_ = 0;
  char* block_ = nullptr;
  uint32_t capacity_ = 0;        // of the block
  uint32_t used_ = 0;            // where the next value goes
  uint32_t entry_capacity_ = 0;  // of the directory
};

static_assert(static_cast<size_t>(Slot::kCount) <= 64);

}  // namespace tidemark
