#include "app/cores.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace tidemark {
namespace {

TEST(Cores, ALimitOfCpuTimeLeavesFewer) {
  EXPECT_EQ(CoresWithin(64, "200000 100000\n"), 2U);
  EXPECT_EQ(CoresWithin(64, "150000 100000\n"), 2U);
  EXPECT_EQ(CoresWithin(64, "20000 100000\n"), 1U);
  EXPECT_EQ(CoresWithin(2, "800000 100000\n"), 2U);
}

TEST(Cores, WhatIsNoLimitLimitsNothing) {
  for (const char* text : {"", "max 100000\n", "max", "100000", "0 100000", "100000 0", "-1 100000", "a b c"}) {
    EXPECT_EQ(CoresWithin(8, text), 8U) << text;
  }
  EXPECT_EQ(CoresWithin(0, ""), 1U);
  EXPECT_GE(UsableCores(), 1U);
}

TEST(Cores, ThoseThatTheProcessMayNotRunOnDoNotCount) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = 0; CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &before)) CPU_SET(core, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(UsableCores(), 1U);
  EXPECT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace tidemark
