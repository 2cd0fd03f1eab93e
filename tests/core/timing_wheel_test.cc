// The wheel against a sorted set, with steps from a millisecond to centuries.
#include "core/timing_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace tidemark {
namespace {

TEST(TimingWheelTest, GivesEachTimerOnceWhenItsTimeHasCome) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    TimingWheel wheel;
    std::set<std::pair<int64_t, uint32_t>> waiting;
    EventTime now = kBeforeAllTime;
    for (uint32_t i = 0; i < 2'000; ++i) {
      const auto distance = static_cast<int64_t>(random() % (uint64_t{1} << (random() % 42)));
      const EventTime base = std::max(now, EventTime{0});
      const EventTime deadline = random() % 50 == 0 ? base - Milliseconds(distance) : base + Milliseconds(distance);
      wheel.Add({deadline, i, 7});
      waiting.insert({deadline.ms, i});
      if (random() % 3 != 0) continue;
      now = std::max(now, base + Milliseconds(static_cast<int64_t>(random() % (uint64_t{1} << (random() % 38)))));
      std::vector<Timer> due;
      wheel.Advance(now, due);
      std::set<std::pair<int64_t, uint32_t>> given;
      for (const Timer& timer : due) EXPECT_TRUE(given.insert({timer.deadline.ms, timer.session}).second);
      const auto not_due = waiting.upper_bound({now.ms, UINT32_MAX});
      EXPECT_EQ(given, std::set(waiting.begin(), not_due));
      waiting.erase(waiting.begin(), not_due);
    }
    std::vector<Timer> rest;
    wheel.Advance(kAfterAllTime, rest);
    EXPECT_EQ(rest.size(), waiting.size());
  }
}

TEST(TimingWheelTest, TimeNeverGoesBack) {
  TimingWheel wheel;
  std::vector<Timer> due;
  wheel.Advance(EventTime{1000}, due);
  wheel.Advance(EventTime{10}, due);
  wheel.Add({EventTime{500}, 1, 1});
  wheel.Advance(EventTime{20}, due);
  EXPECT_EQ(due.size(), 1u);
}

}  // namespace
}  // namespace tidemark
