// Quiet partitions (spec section 3) on a broker and a clock in memory: when the clock may move a watermark.
#include "tests/kafka/shard_fixture.h"

namespace tidemark {
namespace {

class QuietTest : public ShardTest {
 protected:
  // One event, its partition read to the end.
  void ReadOneEvent() {
    Assign({kP0});
    broker_.end_offsets[kP0] = {1};
    broker_.Give({{kP0, {0}, Event("a", 0)}});
    broker_.GiveEnd(kP0, {1});
    Step();
  }

  // Minutes without a record, in turns of a second.
  void Pass(int minutes) {
    for (int i = 0; i < minutes * 60; ++i) Step();
  }
};

TEST_F(QuietTest, TheLastSessionsCloseWithTheClock) {
  ReadOneEvent();
  Pass(20);
  EXPECT_EQ(CountOf("sessions"), 0) << "20 minutes and max_out_of_orderness are not over yet";
  Pass(1);
  EXPECT_EQ(CountOf("sessions"), 1);
}

TEST_F(QuietTest, ARebalanceKeepsHowFarTheClockHasMoved) {
  ReadOneEvent();
  Pass(15);
  broker_.GiveChange(AssignmentChange::kRevoked);
  Step();
  StartAgain();
  Assign({kP0});
  broker_.GiveEnd(kP0, {1});
  Pass(8);
  EXPECT_EQ(CountOf("sessions"), 1) << "its 20 minutes did not begin anew";
}

TEST_F(QuietTest, NothingClosesWhileTheEndIsNotReached) {
  ReadOneEvent();
  broker_.end_offsets[kP0] = {2};
  Pass(60);
  EXPECT_EQ(CountOf("sessions"), 0);
}

TEST_F(QuietTest, NothingClosesWhileTheLeaderDoesNotAnswer) {
  ReadOneEvent();
  broker_.end_offsets.clear();
  Pass(60);
  EXPECT_EQ(CountOf("sessions"), 0);
}

// Producers have been waiting for the brokers, too: what they kept is delivered now.
TEST_F(QuietTest, AfterAnOutageThePartitionHasToBeQuietAnew) {
  ReadOneEvent();
  Pass(5);
  broker_.end_offsets.clear();
  Pass(60);
  broker_.end_offsets[kP0] = {1};
  for (int i = 0; i < 50; ++i) Step();
  EXPECT_EQ(CountOf("sessions"), 0) << "not even a minute since the leader answers again";
  broker_.Give({{kP0, {1}, Event("a", 10)}});
  broker_.GiveEnd(kP0, {2});
  broker_.end_offsets[kP0] = {2};
  Step();
  EXPECT_EQ(CountOf("sessions-late"), 0);
  EXPECT_EQ(OpenSessions(), 1U) << "it was delivered late, but joined";
}

// Records came, not their end: the leader went away in between. They count from the first answer, too.
TEST_F(QuietTest, AfterAnOutageThatBeganAmongRecordsThePartitionHasToBeQuietAnew) {
  ReadOneEvent();
  broker_.Give({{kP0, {1}, Event("a", 1)}});
  broker_.end_offsets.clear();
  Pass(60);
  broker_.GiveEnd(kP0, {2});  // the first fetch from the leader that is back
  broker_.end_offsets[kP0] = {2};
  for (int i = 0; i < 50; ++i) Step();
  EXPECT_EQ(CountOf("sessions"), 0) << "not even a minute since the leader answers again";
  Pass(21);
  EXPECT_EQ(CountOf("sessions"), 1);
}

TEST_F(QuietTest, AfterAnOutageWithoutAnotherRecordTheTimeSinceTheLastOneCounts) {
  ReadOneEvent();
  Pass(5);
  broker_.end_offsets.clear();
  Pass(60);
  broker_.end_offsets[kP0] = {1};
  Pass(1);
  EXPECT_EQ(CountOf("sessions"), 0);
  Step();
  Step();
  EXPECT_EQ(CountOf("sessions"), 1);
}

TEST_F(QuietTest, NothingClosesWhileATransactionIsUndecided) {
  ReadOneEvent();
  broker_.cached_ends[kP0] = {3};  // fetches tell of two records that nobody may see yet
  Pass(60);
  EXPECT_EQ(CountOf("sessions"), 0);
  broker_.Give({{kP0, {1}, Event("a", 10)}, {kP0, {2}, Event("a", 20)}});
  broker_.GiveEnd(kP0, {4});
  broker_.cached_ends[kP0] = {4};
  broker_.end_offsets[kP0] = {4};
  Step();
  EXPECT_EQ(CountOf("sessions-late"), 0);
  EXPECT_EQ(OpenSessions(), 1U);
  Pass(21);
  EXPECT_EQ(CountOf("sessions"), 1) << "decided, read, and quiet since";
}

TEST_F(QuietTest, ATransactionThatIsAbortedLeavesTimeToTryAgain) {
  ReadOneEvent();
  broker_.cached_ends[kP0] = {3};
  Pass(60);
  broker_.GiveEnd(kP0, {4});
  broker_.cached_ends[kP0] = {4};
  broker_.end_offsets[kP0] = {4};
  for (int i = 0; i < 50; ++i) Step();
  EXPECT_EQ(CountOf("sessions"), 0);
  Pass(1);
  EXPECT_EQ(CountOf("sessions"), 1);
}

TEST_F(QuietTest, NothingClosesBeforeTheEndWasSeenAfterBeginningAgain) {
  ReadOneEvent();
  broker_.commit_answer = absl::AbortedError("doubt");
  broker_.Give({{kP0, {1}, Event("a", 1)}, {kP0, {2}, Event("a", 2)}});
  broker_.GiveEnd(kP0, {3});
  Step();
  broker_.commit_answer = absl::OkStatus();
  broker_.end_offsets[kP0] = {3};
  Pass(60);
  EXPECT_EQ(CountOf("sessions"), 0);
  broker_.GiveEnd(kP0, {3});
  for (int i = 0; i < 50; ++i) Step();
  EXPECT_EQ(CountOf("sessions"), 0) << "nobody knows for how long it has been quiet";
  Pass(1);
  EXPECT_EQ(CountOf("sessions"), 1);
}

}  // namespace
}  // namespace tidemark
