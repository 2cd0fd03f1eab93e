// The rules of spec section 3, one at a time, with a time-out of 20 minutes and 30 seconds of disorder.
#include "core/partition.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/core/recording_effects.h"

namespace tidemark {
namespace {

constexpr int64_t kBase = 1'763'980'200'000;  // 2025-11-24T10:30:00Z

class PartitionTest : public testing::Test {
 protected:
  static std::string Web(int64_t second, const std::string& name = "page_viewed", const std::string& id = "") {
    nlohmann::json event{{"customerId", "c"},
                         {"createdDate", kBase + second * 1000},
                         {"webEvent", {{"eventName", name}, {"searchQuery", "at " + std::to_string(second)}}}};
    if (!id.empty()) event["id"] = id;
    return event.dump();
  }
  Outcome Apply(const std::string& line) {
    return partition().Apply({line, Offset{next_offset_++}, kAfterAllTime}, effects_);
  }
  nlohmann::json Session(size_t i) { return nlohmann::json::parse(effects_.sessions.at(i).json); }
  void End() { partition().AdvanceWatermark(kAfterAllTime, effects_); }

  // Rules are set before the first event.
  Partition& partition() {
    if (!partition_) partition_.emplace(PartitionId{3}, rules_);
    return *partition_;
  }

  Rules rules_;
  RecordingEffects effects_;
  int64_t next_offset_ = 100;

 private:
  std::optional<Partition> partition_;
};

TEST_F(PartitionTest, ClosesWhenTheWatermarkReachesTheDeadlineAndNotBefore) {
  Apply(Web(0));
  partition().AdvanceWatermark(EventTime{kBase} + Minutes(20) - Milliseconds(1), effects_);
  EXPECT_TRUE(effects_.sessions.empty());
  partition().AdvanceWatermark(EventTime{kBase} + Minutes(20), effects_);
  ASSERT_EQ(effects_.sessions.size(), 1u);
  EXPECT_EQ(effects_.sessions[0].reason, CloseReason::kInactivity);
  EXPECT_EQ(partition().open_sessions(), 0u);
  EXPECT_EQ(partition().tombstones(), 0u);
  EXPECT_EQ(Session(0)["lastEvent"]["id"], "3:100");
}

TEST_F(PartitionTest, AGapOfExactlyTheTimeoutOpensANewSession) {
  Apply(Web(0));
  Apply(Web(1200));
  End();
  EXPECT_EQ(effects_.sessions.size(), 2u);
}

TEST_F(PartitionTest, AnEventBetweenTwoSessionsMergesThem) {
  rules_.max_out_of_orderness = Hours(1);
  Apply(Web(0, "a", "1"));
  Apply(Web(1200, "b", "2"));
  EXPECT_EQ(partition().open_sessions(), 2u);
  Apply(Web(600, "c", "3"));
  EXPECT_EQ(partition().open_sessions(), 1u);
  EXPECT_EQ(Apply(Web(1200, "b", "2")), Outcome::kDuplicate);
  End();
  ASSERT_EQ(effects_.sessions.size(), 1u);
  EXPECT_EQ(Session(0)["eventCount"], 3);
  EXPECT_EQ(Session(0)["searchTerms"], (nlohmann::json{"at 0", "at 600", "at 1200"}));
  EXPECT_EQ(effects_.sessions[0].first_offset.value, 100);
  EXPECT_EQ(effects_.sessions[0].last_offset.value, 102);
  EXPECT_EQ(partition().counters().sessions_merged, 1u);
}

TEST_F(PartitionTest, AnEndEventLeavesATombstoneUntilTheTimeout) {
  Apply(Web(0));
  Apply(Web(60, "session_ended"));
  EXPECT_EQ(partition().open_sessions(), 1u);
  Apply(Web(90));  // 30 s later: the watermark reaches the end
  ASSERT_EQ(effects_.sessions.size(), 1u);
  EXPECT_EQ(effects_.sessions[0].reason, CloseReason::kEndEvent);
  EXPECT_EQ(partition().tombstones(), 1u);
  EXPECT_EQ(Apply(Web(60)), Outcome::kLate);
  EXPECT_EQ(effects_.late_by.back(), Milliseconds(1));
  EXPECT_EQ(Apply(Web(61)), Outcome::kJoined);
  Apply(Web(60 + 1200 + 30));
  EXPECT_EQ(partition().tombstones(), 0u);
}

// Else a customer whose sessions end all the time would cost more with each of them.
TEST_F(PartitionTest, OneTombstoneStandsForAllOfItsKey) {
  for (int i = 0; i < 20; ++i) Apply(Web(60 * i, "session_ended"));
  EXPECT_EQ(effects_.sessions.size(), 19u);
  EXPECT_EQ(partition().tombstones(), 1u);
  EXPECT_EQ(Apply(Web(0)), Outcome::kLate);
  EXPECT_EQ(Apply(Web(60 * 18)), Outcome::kLate);
  EXPECT_EQ(effects_.late_by.back(), Milliseconds(1));
  Apply(Web(60 * 18 + 1200 + 29));
  EXPECT_EQ(partition().tombstones(), 1u);
  Apply(Web(60 * 18 + 1200 + 60));
  EXPECT_EQ(partition().tombstones(), 1u) << "of the last one, whose end came meanwhile";
}

TEST_F(PartitionTest, AnEndEventOutOfOrderIsAnOrdinaryEvent) {
  Apply(Web(20));
  Apply(Web(10, "session_ended"));
  End();
  EXPECT_EQ(effects_.sessions.at(0).reason, CloseReason::kInactivity);
  EXPECT_EQ(effects_.sessions.at(0).out_of_order, 1u);
}

TEST_F(PartitionTest, AStragglerCannotMoveAStartBackOverClosedTime) {
  Apply(Web(2400));
  // Within the time-out before the session's first, but its own session would have closed by now.
  EXPECT_EQ(Apply(Web(2400 - 1199)), Outcome::kJoined);
  Apply(Web(2400 - 1199 + 600));
  Apply(Web(3000));
  EXPECT_EQ(Apply(Web(2400 - 1199 - 600)), Outcome::kLate);
  EXPECT_EQ(effects_.late, (std::vector<int64_t>{104}));
}

TEST_F(PartitionTest, ALongSessionIsCutAtItsLastEvent) {
  rules_.max_duration.web = Minutes(60);
  for (int64_t second = 0; second < 3600; second += 900) Apply(Web(second));
  EXPECT_EQ(partition().open_sessions(), 1u);
  Apply(Web(3600));
  ASSERT_EQ(effects_.sessions.size(), 1u);
  EXPECT_EQ(effects_.sessions[0].reason, CloseReason::kMaxDuration);
  EXPECT_EQ(effects_.sessions[0].ended, EventTime{kBase + 2'700'000});
  EXPECT_EQ(partition().open_sessions(), 1u);
}

TEST_F(PartitionTest, TheDedupHorizonForgetsTheOldest) {
  rules_.dedup_horizon = 2;
  Apply(Web(0, "a", "1"));
  Apply(Web(2, "a", "3"));
  Apply(Web(1, "a", "2"));  // pushes out "1", the oldest by event time
  EXPECT_EQ(Apply(Web(0, "a", "1")), Outcome::kJoined);
  EXPECT_EQ(Apply(Web(2, "a", "3")), Outcome::kDuplicate);
  EXPECT_EQ(Apply(Web(1, "a", "2")), Outcome::kDuplicate);
}

TEST_F(PartitionTest, AnIdOfBothHalvesOfAMergeIsRememberedOnce) {
  rules_.dedup_horizon = 3;
  Apply(Web(0, "a", "z"));
  Apply(Web(300, "a", "x"));
  EXPECT_EQ(Apply(Web(1500, "a", "x")), Outcome::kJoined);  // of a session of its own
  EXPECT_EQ(Apply(Web(900, "a", "y")), Outcome::kJoined);   // merges the two
  EXPECT_EQ(partition().open_sessions(), 1u);
  EXPECT_EQ(Apply(Web(1200, "a", "z")), Outcome::kDuplicate);
  EXPECT_EQ(Apply(Web(1200, "a", "x")), Outcome::kDuplicate);
  EXPECT_EQ(Apply(Web(1200, "a", "new")), Outcome::kJoined);
  EXPECT_EQ(Apply(Web(1200, "a", "z")), Outcome::kJoined);  // the oldest, forgotten by now
}

TEST_F(PartitionTest, AnOlderOfTwoEventsDecidesTheReferrerWhenItComesLate) {
  const auto with_referrer = [](int64_t second, const std::string& url) {
    return nlohmann::json{{"customerId", "c"},
                          {"createdDate", kBase + second * 1000},
                          {"webEvent", {{"referrer", {{"url", url}}}, {"page", {{"url", url}}}}}}
        .dump();
  };
  Apply(with_referrer(10, "b"));
  Apply(with_referrer(5, "a"));
  Apply(with_referrer(10, "c"));  // an equal time: newer by its place
  End();
  EXPECT_EQ(Session(0)["referrer"]["url"], "a");
  EXPECT_EQ(Session(0)["lastPage"]["url"], "c");
}

TEST_F(PartitionTest, SessionsDueTogetherCloseByDeadlineThenKeyThenFirst) {
  const auto event = [](const std::string& members, int64_t second) {
    return "{" + members + ",\"createdDate\":" + std::to_string(kBase + second * 1000) + "}";
  };
  Apply(event(R"("customerId":"a")", 0));
  Apply(event(R"("session":{"id":"z"})", 0));
  Apply(event(R"("session":{"id":"b"})", 0));
  Apply(event(R"("session":{"id":"a"})", 1));
  End();
  ASSERT_EQ(effects_.sessions.size(), 4u);
  EXPECT_EQ(effects_.sessions[0].id, "b");
  EXPECT_EQ(effects_.sessions[1].id, "z");
  EXPECT_EQ(effects_.sessions[3].id, "a");
}

TEST_F(PartitionTest, EveryRecordHasExactlyOneOutcome) {
  Apply("");
  Apply(Web(0, "a", "1"));
  Apply(Web(0, "a", "1"));
  Apply(Web(4000));
  Apply(Web(0, "a", "9"));
  Apply("{\"createdDate\":1}");
  const PartitionCounters& counters = partition().counters();
  uint64_t outcomes = 0;
  for (const uint64_t count : counters.outcomes) outcomes += count;
  EXPECT_EQ(outcomes, counters.records);
  EXPECT_EQ(counters.outcomes[static_cast<size_t>(Outcome::kJoined)], 2u);
  EXPECT_EQ(counters.outcomes[static_cast<size_t>(Outcome::kDuplicate)], 1u);
  EXPECT_EQ(counters.outcomes[static_cast<size_t>(Outcome::kLate)], 1u);
  EXPECT_EQ(counters.outcomes[static_cast<size_t>(Outcome::kDeadLetter)], 2u);
}

TEST_F(PartitionTest, ATooLargeRecordIsADeadLetter) {
  rules_.max_event_bytes = 100;
  EXPECT_EQ(Apply(Web(0, std::string(100, 'x'))), Outcome::kDeadLetter);
  EXPECT_EQ(effects_.dead_letters.at(0).second, "too_large");
}

TEST_F(PartitionTest, OneFutureEventDoesNotMakeTheOthersLate) {
  const EventTime record_time{kBase};
  partition().Apply({Web(0), Offset{0}, record_time}, effects_);
  partition().Apply({Web(601), Offset{1}, record_time}, effects_);
  EXPECT_EQ(effects_.dead_letters.at(0).second, "future_timestamp");
  EXPECT_EQ(partition().Apply({Web(600), Offset{2}, record_time}, effects_), Outcome::kJoined);
}

}  // namespace
}  // namespace tidemark
