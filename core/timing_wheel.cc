#include "core/timing_wheel.h"

#include <bit>

namespace tidemark {

// Event time from kBeforeAllTime to kAfterAllTime, counted from a zero before all of it.
uint64_t TimingWheel::Ticks(EventTime time) { return static_cast<uint64_t>(time.ms - kBeforeAllTime.ms); }

void TimingWheel::Add(const Timer& timer) {
  const uint64_t ticks = Ticks(timer.deadline);
  if (timer.deadline <= kBeforeAllTime || ticks <= now_) {
    overdue_.push_back(timer);
    return;
  }
  const int level = (static_cast<int>(std::bit_width(ticks ^ now_)) - 1) / kDigitBits;
  const uint64_t slot = (ticks >> (level * kDigitBits)) % kSlots;
  slots_[level][slot].push_back(timer);
  occupied_[level] |= uint64_t{1} << slot;
}

void TimingWheel::TakeAll(int level, uint64_t slot, std::vector<Timer>& due) {
  std::vector<Timer>& timers = slots_[level][slot];
  due.insert(due.end(), timers.begin(), timers.end());
  timers.clear();
  if (timers.capacity() > kKeptCapacity) timers.shrink_to_fit();
  occupied_[level] &= ~(uint64_t{1} << slot);
}

void TimingWheel::Advance(EventTime now, std::vector<Timer>& due) {
  due.insert(due.end(), overdue_.begin(), overdue_.end());
  overdue_.clear();
  const uint64_t ticks = Ticks(now);
  if (now <= kBeforeAllTime || ticks <= now_) return;
  const int top = (static_cast<int>(std::bit_width(ticks ^ now_)) - 1) / kDigitBits;
  const uint64_t digit = (ticks >> (top * kDigitBits)) % kSlots;
  now_ = ticks;
  // Below the highest digit that changes, everything is past; on its level, what lies before the new digit.
  for (int level = 0; level <= top; ++level) {
    uint64_t past = occupied_[level];
    if (level == top) past &= (uint64_t{1} << digit) - 1;
    for (; past != 0; past &= past - 1) TakeAll(level, static_cast<uint64_t>(std::countr_zero(past)), due);
  }
  // What shares the new digit is sorted in anew.
  if ((occupied_[top] >> digit & 1) == 0) return;
  moving_.clear();
  TakeAll(top, digit, moving_);
  for (const Timer& timer : moving_) Add(timer);
  due.insert(due.end(), overdue_.begin(), overdue_.end());
  overdue_.clear();
}

}  // namespace tidemark
