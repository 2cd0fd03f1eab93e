// By how much the machine's wall clock was set while it was watched. Records carry its time, decisions follow from the
// one that never jumps; where the two are compared, this much may lie between them. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace tidemark::testing {

class WallClockWatch {
 public:
  // The wall clock, read between two readings of the steady one. Whoever was interrupted in between knows nothing.
  void Sample(int64_t steady_before_ms, int64_t wall_ms, int64_t steady_after_ms) {
    constexpr int64_t kInterruptedMs = 2;
    if (steady_after_ms - steady_before_ms > kInterruptedMs) return;
    const int64_t ahead = wall_ms - steady_before_ms;
    least_ = std::min(least_.value_or(ahead), ahead);
    most_ = std::max(most_.value_or(ahead), ahead);
  }

  void Sample() {
    const int64_t before = Milliseconds<std::chrono::steady_clock>();
    const int64_t wall = Milliseconds<std::chrono::system_clock>();
    Sample(before, wall, Milliseconds<std::chrono::steady_clock>());
  }

  int64_t moved_ms() const { return least_ ? *most_ - *least_ : 0; }

 private:
  template <typename Clock>
  static int64_t Milliseconds() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
  }

  std::optional<int64_t> least_, most_;  // how far it was ahead of the steady one
};

}  // namespace tidemark::testing
