// Time as an input. The shard asks a clock; production gives it the machine's, a test or the simulator its own.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

#include "core/types.h"

namespace tidemark {

// A reading of a clock that never jumps, in milliseconds since an arbitrary start.
struct MonotonicTime {
  int64_t ms = 0;

  friend constexpr auto operator<=>(MonotonicTime, MonotonicTime) = default;
  friend constexpr MonotonicTime operator+(MonotonicTime t, Duration d) { return {t.ms + d.ms}; }
  friend constexpr Duration operator-(MonotonicTime a, MonotonicTime b) { return {a.ms - b.ms}; }
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;
  virtual int64_t NowMicroseconds() const { return Now().ms * 1000; }  // of the same clock, to measure with
  virtual EventTime WallNow() const = 0;  // for people: log lines and metrics, never a decision
};

class SystemClock : public Clock {
 public:
  MonotonicTime Now() const override { return {NowMicroseconds() / 1000}; }
  int64_t NowMicroseconds() const override { return SinceEpoch<std::chrono::steady_clock>(); }
  EventTime WallNow() const override { return {SinceEpoch<std::chrono::system_clock>() / 1000}; }

 private:
  template <typename C>
  static int64_t SinceEpoch() {
    return std::chrono::duration_cast<std::chrono::microseconds>(C::now().time_since_epoch()).count();
  }
};

}  // namespace tidemark
