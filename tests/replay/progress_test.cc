// The progress line.
#include "app/progress.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

TEST(Progress, NumbersForPeople) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1'000), "1,000");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
  EXPECT_EQ(FormatSeconds(12.4), "12 s");
  EXPECT_EQ(FormatSeconds(185), "3 min 05 s");
  EXPECT_EQ(FormatSeconds(7'620), "2 h 07 min");
}

TEST(Progress, BarTakesWhatTheTextLeaves) {
  const std::string line = FormatProgress({.done = 25, .total = 100, .events = 1000, .seconds = 10}, 80);
  EXPECT_EQ(line.size(), 80);
  EXPECT_EQ(line.front(), '[');
  EXPECT_NE(line.find("25%  1,000 events  100/s  30 s left"), std::string::npos) << line;
}

TEST(Progress, NoBarWhereItDoesNotFitOrTheEndIsNotKnown) {
  EXPECT_EQ(FormatProgress({.done = 5, .total = 0, .events = 5, .seconds = 1}, 80), "5 events  5/s");
  EXPECT_EQ(FormatProgress({.done = 1, .total = 2, .events = 5, .seconds = 1}, 40).find('['), std::string::npos);
}

TEST(Progress, FinishedAndNothingYet) {
  EXPECT_NE(FormatProgress({.done = 7, .total = 7, .events = 1, .seconds = 1}, 80).find("100%"), std::string::npos);
  EXPECT_EQ(FormatProgress({.done = 0, .total = 7, .events = 0, .seconds = 0}, 80).find("left"), std::string::npos);
}

}  // namespace
}  // namespace tidemark
