// A clock that is set is told from one that runs, and from a reader that was interrupted.
#include "tests/faults/wall_clock.h"

#include <gtest/gtest.h>

namespace tidemark::testing {
namespace {

constexpr int64_t kWallAhead = 1'700'000'000'000;

TEST(WallClockWatch, AClockThatOnlyRunsHasNotMoved) {
  WallClockWatch watch;
  EXPECT_EQ(watch.moved_ms(), 0);
  for (int64_t steady = 0; steady < 10'000; steady += 100) watch.Sample(steady, kWallAhead + steady, steady);
  EXPECT_EQ(watch.moved_ms(), 0);
}

TEST(WallClockWatch, KnowsHowFarItWasSetInEitherDirection) {
  WallClockWatch watch;
  watch.Sample(0, kWallAhead, 0);
  watch.Sample(100, kWallAhead + 100 + 700, 100);
  watch.Sample(200, kWallAhead + 200 - 50, 201);
  EXPECT_EQ(watch.moved_ms(), 750);
}

TEST(WallClockWatch, AReaderThatWasInterruptedIsNoClockThatWasSet) {
  WallClockWatch watch;
  watch.Sample(0, kWallAhead, 0);
  watch.Sample(100, kWallAhead + 400, 405);
  EXPECT_EQ(watch.moved_ms(), 0);
}

}  // namespace
}  // namespace tidemark::testing
