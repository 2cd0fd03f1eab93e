// When to look at a session again: a hierarchical timing wheel over event time.
//
// Eleven levels of 64 slots; a timer lies on the level of the highest base-64 digit in which its deadline differs from
// the wheel's time, in the slot of that digit. So adding is O(1), a timer moves at most once per level, and a jump over
// empty years costs a look at eleven bit masks. Timers are never removed: the owner tells from generation and schedule
// whether one still means anything. Pure; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/types.h"

namespace tidemark {

struct Timer {
  EventTime deadline;
  uint32_t session;
  uint32_t generation;
};

class TimingWheel {
 public:
  // A deadline that is not after the wheel's time comes with the next Advance.
  void Add(const Timer& timer);

  // Moves the wheel's time to `now` (never back) and appends to `due` every timer with deadline <= now, in no
  // particular order.
  void Advance(EventTime now, std::vector<Timer>& due);

 private:
  static constexpr int kDigitBits = 6;
  static constexpr int kLevels = 11;
  static constexpr uint64_t kSlots = 1 << kDigitBits;

  static constexpr size_t kKeptCapacity = 64;  // of an empty slot, in timers: a larger one gives its memory back

  static uint64_t Ticks(EventTime time);
  void TakeAll(int level, uint64_t slot, std::vector<Timer>& due);

  uint64_t now_ = 0;
  std::vector<Timer> overdue_;
  std::array<uint64_t, kLevels> occupied_{};
  std::array<std::array<std::vector<Timer>, kSlots>, kLevels> slots_;
  std::vector<Timer> moving_;
};

}  // namespace tidemark
