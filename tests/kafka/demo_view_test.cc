// What the demo shows of given numbers; the demo itself runs as the test demo_end_to_end.
#include "app/demo_view.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

DemoState ConsistentState() {
  DemoState state;
  state.generated = 10;
  state.job.counters.records = 10;
  state.job.counters.outcomes[static_cast<size_t>(Outcome::kJoined)] = 7;
  state.job.counters.outcomes[static_cast<size_t>(Outcome::kLate)] = 2;
  state.job.counters.outcomes[static_cast<size_t>(Outcome::kDeadLetter)] = 1;
  state.job.counters.sessions_opened[0] = 3;
  state.job.counters.sessions_closed[0][static_cast<size_t>(CloseReason::kEndEvent)] = 2;
  state.job.open_sessions[0] = 1;
  state.saved = 2;
  state.late_read = 2;
  state.dead_read = 1;
  return state;
}

TEST(DemoViewTest, NumbersThatAddUpDo) {
  std::string why_not;
  EXPECT_TRUE(DemoAddsUp(ConsistentState(), why_not)) << why_not;
}

TEST(DemoViewTest, ARecordOrASessionThatIsMissingIsNamed) {
  DemoState state = ConsistentState();
  ++state.generated;
  --state.saved;
  std::string why_not;
  EXPECT_FALSE(DemoAddsUp(state, why_not));
  EXPECT_EQ(why_not, "events generated and consumed: 11 and 10; sessions closed and saved: 2 and 1");
}

TEST(DemoViewTest, TheSummaryNamesTheReasonsAndTheFile) {
  DemoState state = ConsistentState();
  state.file = "out.ndjson";
  const std::string summary = FormatDemoSummary(state);
  EXPECT_NE(summary.find("2    closed: end_event 2"), std::string::npos) << summary;
  EXPECT_NE(summary.find("2  sessions saved in out.ndjson"), std::string::npos) << summary;
}

TEST(DemoViewTest, JsonIsSpreadOverLines) {
  EXPECT_EQ(PrettyJson(R"({"a":{"b":[1,2]},"c":"x,\"{","d":{}})", 100),
            "    {\n"
            "      \"a\": {\n"
            "        \"b\": [\n"
            "          1,\n"
            "          2\n"
            "        ]\n"
            "      },\n"
            "      \"c\": \"x,\\\"{\",\n"
            "      \"d\": {}\n"
            "    }\n");
}

TEST(DemoViewTest, LongJsonIsCut) {
  EXPECT_EQ(PrettyJson(R"({"a":1,"b":2,"c":3})", 2), "    {\n      \"a\": 1,\n      ...\n");
}

}  // namespace
}  // namespace tidemark
