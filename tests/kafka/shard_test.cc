// The shard on a broker and a clock in memory: what is committed when, and what survives which failure.
#include "sinks/log.h"
#include "tests/kafka/shard_fixture.h"

namespace tidemark {
namespace {

std::vector<FakeBroker::Input> DeadLetters(int64_t count) {
  std::vector<FakeBroker::Input> records;
  for (int64_t i = 0; i < count; ++i) records.push_back({kP0, {i}, "garbage"});
  return records;
}

TEST_F(ShardTest, AGroupThatNeverCommittedBeginsAtTheFirstRecordAndCommitsThatOffset) {
  broker_.first_offsets[kP0] = {40};
  Assign({kP0});
  ASSERT_EQ(broker_.assigned.size(), 1U);
  EXPECT_EQ(broker_.assigned[0].offset, Offset{40});
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{40});
}

TEST_F(ShardTest, NoTransactionIsBegunWhenThereIsNothingToSend) {
  broker_.committed[kP0] = {kP0, Offset{7}, ""};
  Assign({kP0});
  EXPECT_EQ(broker_.assigned.at(0).offset, Offset{7}) << "an offset that was set by hand, and no state";
  const int begun = broker_.transactions_begun;
  Step();
  Step();
  EXPECT_EQ(broker_.transactions_begun, begun);
}

TEST_F(ShardTest, OneTransactionHoldsSessionsLateEventsDeadLettersAndOffsets) {
  Assign({kP0});
  const int begun = broker_.transactions_begun;
  broker_.Give({{kP0, {0}, Event("a", 0)},
                {kP0, {1}, "garbage", {{"trace", "t1"}}},
                {kP0, {2}, Event("b", 60)},
                {kP0, {4}, Event("c", 1)}});
  Step();
  EXPECT_EQ(broker_.transactions_begun, begun + 1);
  ASSERT_EQ(broker_.written.size(), 3U);
  const WrittenRecord& dead = broker_.written[0];
  EXPECT_EQ(dead.topic, "sessions-dead-letters");
  EXPECT_EQ(dead.value, "garbage");
  EXPECT_EQ(dead.key, "key");
  EXPECT_EQ(dead.headers.at("trace"), "t1");
  EXPECT_EQ(dead.headers.at("dead-letter-reason"), "invalid_json");
  EXPECT_EQ(dead.headers.at("dead-letter-topic"), "journey-events");
  EXPECT_EQ(dead.headers.at("dead-letter-partition"), "0");
  EXPECT_EQ(dead.headers.at("dead-letter-offset"), "1");
  const WrittenRecord& session = broker_.written[1];
  EXPECT_EQ(session.topic, "sessions");
  EXPECT_EQ(session.key, "a");
  EXPECT_EQ(session.headers.at("close-reason"), "inactivity");
  EXPECT_EQ(session.headers.at("source"), "journey-events:0:0..0");
  const WrittenRecord& late = broker_.written[2];
  EXPECT_EQ(late.topic, "sessions-late");
  EXPECT_EQ(late.headers.at("late-reason"), "behind_watermark");
  EXPECT_EQ(late.headers.at("source"), "journey-events:0:4..4");
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{5});
}

TEST_F(ShardTest, EffectsWaitForTheCommitInterval) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, "garbage"}});
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  EXPECT_TRUE(broker_.written.empty());
  Step();
  EXPECT_EQ(broker_.written.size(), 1U);
}

// Records may take so long, each, that the transaction of a whole poll would last longer than it may.
TEST_F(ShardTest, WhatIsDueIsCommittedAmongTheRecordsOfAPoll) {
  Assign({kP0});
  const int before = broker_.commits;
  broker_.write_takes = Milliseconds(20);
  broker_.Give(DeadLetters(1024));
  Step();
  EXPECT_GE(broker_.commits - before, 10);
  EXPECT_EQ(CountOf("sessions-dead-letters"), 1024);
}

// Slow brokers are asked for a commit each interval, not for one each few records.
TEST_F(ShardTest, CommitsThatTakeAsLongAsTheIntervalLeaveTimeForRecords) {
  Assign({kP0});
  const int before = broker_.commits;
  broker_.commit_takes = Seconds(2);
  broker_.Give(DeadLetters(1024));
  Step();
  EXPECT_EQ(broker_.commits - before, 1);
  Step();
  EXPECT_EQ(broker_.commits - before, 2);
  EXPECT_EQ(CountOf("sessions-dead-letters"), 1024);
}

TEST_F(ShardTest, RecordsOfOtherPartitionsAndOnesAlreadyTakenAreDropped) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, Event("a", 0)}, {kP1, {0}, Event("b", 0)}, {kP0, {0}, Event("c", 0)}});
  Step();
  EXPECT_EQ(Snapshot().counters.records, 1U);
  EXPECT_EQ(Snapshot().records_dropped, 2U);
}

TEST_F(ShardTest, RecordsFetchedUnderAnOlderAssignmentAreIgnored) {
  Assign({kP0});
  broker_.Give({{kP0, {5}, Event("a", 0)}});
  broker_.GiveStaleEpoch();
  Step();
  EXPECT_EQ(Snapshot().counters.records, 0U);
}

TEST_F(ShardTest, AFailedCommitLeavesNothingAndTheRecordsAreReadAgain) {
  Assign({kP0});
  broker_.commit_answer = absl::AbortedError("test");
  broker_.commit_happens = false;
  broker_.Give({{kP0, {0}, "garbage"}, {kP0, {1}, Event("a", 0)}});
  Step();
  EXPECT_TRUE(broker_.written.empty());
  broker_.commit_answer = absl::OkStatus();
  broker_.commit_happens = true;
  Step();
  EXPECT_EQ(broker_.producers, 2);
  EXPECT_EQ(broker_.assigned.at(0).offset, Offset{0});
  broker_.Give({{kP0, {0}, "garbage"}, {kP0, {1}, Event("a", 0)}});
  Step();
  EXPECT_EQ(CountOf("sessions-dead-letters"), 1);
  EXPECT_EQ(OpenSessions(), 1U);
  EXPECT_EQ(Snapshot().counters.records, 2U) << "what was not committed is not counted";
}

TEST_F(ShardTest, AStopSaysThatTheLastCommitFailed) {
  std::vector<std::string> codes;
  SetLogHandler([&](const LogRecord& record) { codes.emplace_back(record.code); });
  ASSERT_TRUE(shard_->CommitForStop().ok());
  EXPECT_TRUE(codes.empty()) << "nothing was assigned";
  Assign({kP0});
  broker_.commit_answer = absl::AbortedError("test");
  broker_.commit_happens = false;
  broker_.Give({{kP0, {0}, Event("a", 0)}});
  Step();  // the commit fails, and the stop comes before there is another producer
  codes.clear();
  ASSERT_TRUE(shard_->CommitForStop().ok());
  SetLogHandler({});
  EXPECT_EQ(codes, std::vector<std::string>{"last_commit_failed"});
}

TEST_F(ShardTest, ACommitThatHappenedAlthoughItsAnswerWasLostIsNotRepeated) {
  Assign({kP0});
  broker_.commit_answer = absl::AbortedError("the answer is lost");
  broker_.Give({{kP0, {0}, "garbage"}, {kP0, {1}, Event("a", 0)}});
  Step();
  broker_.commit_answer = absl::OkStatus();
  Step();
  EXPECT_EQ(broker_.assigned.at(0).offset, Offset{2});
  EXPECT_EQ(OpenSessions(), 1U) << "the state is the committed one, so it is kept";
  EXPECT_EQ(Snapshot().recoveries[static_cast<size_t>(RecoveryResult::kOk)], 0U);
  EXPECT_EQ(CountOf("sessions-dead-letters"), 1);
}

TEST_F(ShardTest, ASlowCommitCostsTheProducerButNotTheState) {
  Assign({kP0});
  broker_.commit_takes = Seconds(6);
  broker_.Give({{kP0, {0}, Event("a", 0)}});
  Step();
  broker_.commit_takes = Duration{0};
  Step();
  EXPECT_EQ(broker_.producers, 2);
  EXPECT_EQ(OpenSessions(), 1U);
  EXPECT_EQ(Snapshot().commits[static_cast<size_t>(CommitResult::kDoubtful)], 1U);
}

TEST_F(ShardTest, TransactionsThatFailAgainAndAgainEndTheShard) {
  Assign({kP0});
  broker_.offsets_answer = absl::AbortedError("poison");
  absl::Status status;
  for (int i = 0; i < 20 && status.ok(); ++i) {
    broker_.Give({{kP0, {0}, "garbage"}});
    clock_.Advance(Seconds(1));
    status = shard_->Step(Duration{0});
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_EQ(broker_.producers, 5);
}

TEST_F(ShardTest, CommitsThatHappenAlthoughTheyAreInDoubtAreProgress) {
  Assign({kP0});
  broker_.commit_answer = absl::AbortedError("the connection broke");
  for (int64_t i = 0; i < 20; ++i) {
    broker_.Give({{kP0, {i}, "garbage"}});
    Step();
    Step();
  }
  EXPECT_EQ(CountOf("sessions-dead-letters"), 20);
}

TEST_F(ShardTest, RevokedPartitionsAreCommittedFirstAndKeepTheirStateWhenTheyComeBack) {
  Assign({kP0, kP1});
  broker_.Give({{kP0, {0}, Event("a", 0)}, {kP1, {0}, Event("b", 0)}});
  broker_.GiveChange(AssignmentChange::kRevoked);
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{1});
  EXPECT_TRUE(broker_.assigned.empty());
  Assign({kP0});
  EXPECT_EQ(OpenSessions(), 1U);
  EXPECT_EQ(Snapshot().records_replayed, 0U);
}

TEST_F(ShardTest, StateIsNotReusedWhenAnotherMemberHasCommittedInBetween) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, Event("a", 0)}});
  broker_.GiveChange(AssignmentChange::kRevoked);
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  CommitMetadata other = *ParseCommitMetadata(broker_.committed.at(kP0).metadata);
  other.token = "other.0.1";
  broker_.committed.at(kP0).metadata = ToText(other);
  Assign({kP0});
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kReplaying) << "the committed state is built again";
}

TEST_F(ShardTest, LostPartitionsAreNotCommitted) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, "garbage"}, {kP0, {1}, Event("a", 0)}});
  broker_.GiveChange(AssignmentChange::kLost);
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  Step();
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{0});
  EXPECT_TRUE(broker_.written.empty());
  Assign({kP0});
  EXPECT_EQ(OpenSessions(), 0U);
}

// Another member may have what was ours before.
TEST_F(ShardTest, AnAssignmentWithoutARevocationReplacesTheOneBefore) {
  Assign({kP0, kP1});
  broker_.Give({{kP0, {0}, "garbage"}, {kP1, {0}, "garbage"}});
  Step();
  ASSERT_EQ(CountOf("sessions-dead-letters"), 2);
  broker_.Give({{kP0, {1}, "garbage"}, {kP1, {1}, "garbage"}});
  broker_.GiveChange(AssignmentChange::kAssigned, {kP1});
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  Step();
  ASSERT_EQ(broker_.assigned.size(), 1U);
  EXPECT_EQ(broker_.assigned[0].partition, kP1);
  EXPECT_EQ(Snapshot().partitions.size(), 1U);
  EXPECT_EQ(CountOf("sessions-dead-letters"), 2) << "what was not committed is not, under this assignment";
  broker_.Give({{kP1, {0}, "garbage"}, {kP1, {1}, "garbage"}});
  Step();
  EXPECT_EQ(CountOf("sessions-dead-letters"), 3) << "it is read again";
}

TEST_F(ShardTest, WorkBeginsWhenTheBrokerAnswersAgain) {
  broker_.committed_answer = absl::UnavailableError("away");
  Assign({kP0});
  EXPECT_TRUE(broker_.assigned.empty());
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kWaiting);
  broker_.committed_answer = absl::OkStatus();
  Step();
  EXPECT_EQ(broker_.assigned.size(), 1U);
}

TEST_F(ShardTest, APartitionThatCannotBeReadFailsAlone) {
  Assign({kP0, kP1});
  broker_.GiveError(kP0);
  Step();
  broker_.Give({{kP1, {0}, Event("a", 0)}});
  Step();
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kFailed);
  EXPECT_EQ(Snapshot().partitions.at(1).state, WorkState::kRunning);
  EXPECT_EQ(OpenSessions(), 1U);
}

// ---- audits: what the group has committed is looked at again

TEST_F(ShardTest, ACommitOfAnotherProcessIsNoticedWhileNothingIsToBeCommitted) {
  Assign({kP0});
  broker_.committed.at(kP0).metadata += "!";
  const auto commits = Snapshot().commits;
  const auto durations = Snapshot().commit_buckets;
  for (int i = 0; i < 60; ++i) Step();
  EXPECT_EQ(Snapshot().audits_failed, 1U);
  EXPECT_EQ(Snapshot().commits, commits) << "there was none";
  EXPECT_EQ(Snapshot().commit_buckets, durations);
}

// ---- lag

TEST_F(ShardTest, WhatCannotBeTakenForNowIsLag) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, Event("a", 0)}});
  broker_.GiveEnd(kP0, {1});
  Step();
  EXPECT_EQ(Snapshot().partitions.at(0).lag_records, 0);
  broker_.producer_answer = absl::UnavailableError("no coordinator");
  broker_.commit_answer = absl::AbortedError("no coordinator");
  broker_.cached_ends[kP0] = {2};
  broker_.Give({{kP0, {1}, Event("a", 1)}});
  broker_.GiveEnd(kP0, {2});
  Step();
  broker_.cached_ends[kP0] = {9};
  Step();
  EXPECT_EQ(Snapshot().partitions.at(0).lag_records, 7) << "of a state that has taken two";
}

// ---- counters

TEST_F(ShardTest, WhatIsRevokedBeforeItBeginsAgainIsCountedOnce) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, Event("a", 0)}, {kP0, {1}, Event("b", 60)}});
  Step();
  broker_.commit_answer = absl::AbortedError("test");
  broker_.commit_happens = false;
  broker_.Give({{kP0, {2}, "garbage"}});
  broker_.GiveChange(AssignmentChange::kRevoked);
  Step();
  broker_.commit_answer = absl::OkStatus();
  broker_.commit_happens = true;
  const auto opened = [this] { return Snapshot().counters.sessions_opened[0]; };
  const auto closed = [this] { return Snapshot().counters.sessions_closed[0][0]; };
  EXPECT_EQ(opened(), 2U) << "parked";
  Assign({kP0});
  EXPECT_EQ(opened(), 2U) << "back";
  broker_.GiveChange(AssignmentChange::kRevoked);
  Step();
  for (int i = 0; i < 61; ++i) Step();
  EXPECT_EQ(opened(), 2U) << "gone";
  EXPECT_EQ(closed(), 1U);
}

// ---- failed partitions

TEST_F(ShardTest, APartitionOfANewerVersionIsNotCommittedOver) {
  Assign({kP0, kP1});
  broker_.Give({{kP0, {0}, Event("a", 0)}});
  broker_.GiveChange(AssignmentChange::kLost);  // before it was committed
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  std::string& metadata = broker_.committed.at(kP0).metadata;
  metadata.replace(0, 9, "tidemark2");
  const std::string newer = metadata;
  Assign({kP0, kP1});
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kFailed);
  broker_.Give({{kP1, {0}, Event("b", 0)}});
  Step();
  EXPECT_EQ(broker_.committed.at(kP1).offset, Offset{1});
  EXPECT_EQ(broker_.committed.at(kP0).metadata, newer);
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{0});
}

TEST_F(ShardTest, WhatWasTakenBeforeTheNextRecordWasGoneIsCommitted) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, Event("a", 0)}});
  broker_.GiveError(kP0);
  Step();
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kFailed);
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{1});
}

TEST_F(ShardTest, StoppingCommitsAndClosingLeaves) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, "garbage"}});
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  ASSERT_TRUE(shard_->CommitForStop().ok());
  shard_->Close();
  EXPECT_EQ(broker_.written.size(), 1U);
  EXPECT_TRUE(broker_.closed);
}

TEST_F(ShardTest, EveryRecordIsInExactlyOneCount) {
  Assign({kP0});
  broker_.Give({{kP0, {0}, Event("a", 0)},
                {kP0, {1}, Event("a", 0)},
                {kP0, {2}, "garbage"},
                {kP0, {3}, Event("b", 90)},
                {kP0, {4}, Event("a", 1)}});
  Step();
  const PartitionCounters counters = Snapshot().counters;
  EXPECT_EQ(counters.records, 5U);
  for (const uint64_t outcome : {counters.outcomes[1], counters.outcomes[2], counters.outcomes[3]})
    EXPECT_EQ(outcome, 1U);
  EXPECT_EQ(counters.outcomes[0], 2U);
}

}  // namespace
}  // namespace tidemark
