// How a shard comes back: what a new process finds in Kafka, and what it refuses to guess.
#include "tests/kafka/shard_fixture.h"

namespace tidemark {
namespace {

class RecoveryTest : public ShardTest {
 protected:
  // The events topic's partition 0, all of it.
  void Append(const std::string& event) { log_.push_back(event); }

  // Steps while the broker hands out what the shard has not read yet.
  void Run(int steps = 6) {
    for (int i = 0; i < steps; ++i) {
      if (!broker_.assigned.empty()) {
        const auto partitions = Snapshot().partitions;
        std::vector<FakeBroker::Input> records;
        for (int64_t offset = partitions.at(0).next.value; offset < End(); ++offset) {
          records.push_back({kP0, {offset}, log_[static_cast<size_t>(offset)]});
        }
        broker_.Give(std::move(records));
        broker_.GiveEnd(kP0, {End()});
      }
      broker_.end_offsets[kP0] = {End()};
      Step();
    }
  }

  void Start() {
    broker_.GiveChange(AssignmentChange::kAssigned, {kP0});
    Step();
    Run();
  }

  // The process dies without a word; another one begins.
  void CrashAndStart(const Rules& rules = {}) {
    StartAgain(rules);
    Start();
  }

  int64_t End() const { return static_cast<int64_t>(log_.size()); }
  WorkState State() const { return Snapshot().partitions.at(0).state; }
  uint64_t Recoveries(RecoveryResult result) const { return Snapshot().recoveries[static_cast<size_t>(result)]; }

  std::vector<std::string> log_;
};

TEST_F(RecoveryTest, OpenSessionsSurviveACrash) {
  Append(Event("a", 0));
  Append(Event("a", 5));
  Start();
  CrashAndStart();
  EXPECT_EQ(Recoveries(RecoveryResult::kOk), 1U);
  EXPECT_EQ(Snapshot().records_replayed, 2U);
  EXPECT_EQ(Snapshot().counters.records, 0U) << "what is replayed is not counted again";
  EXPECT_EQ(OpenSessions(), 1U);
  Append(Event("b", 60));
  Run();
  ASSERT_EQ(CountOf("sessions"), 1);
  EXPECT_EQ(broker_.written[0].headers.at("source"), "journey-events:0:0..1");
}

// Neither the state topic nor the events, of which each new beginning throws away what was fetched ahead.
TEST_F(RecoveryTest, AStateTopicThatCannotBeReadIsNotAskedWithoutPause) {
  Append(Event("a", 0));
  Start();
  StartAgain();
  broker_.state_answer = absl::UnavailableError("too few partitions");
  broker_.GiveChange(AssignmentChange::kAssigned, {kP0});
  Step();
  Step();
  const int reads = broker_.state_reads;
  const int assignments = broker_.assignments;
  for (int i = 0; i < 20; ++i) {
    clock_.Advance(Milliseconds(10));
    ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  }
  EXPECT_EQ(broker_.state_reads, reads);
  for (int i = 0; i < 5; ++i) Step();
  EXPECT_EQ(broker_.state_reads, reads + 5);
  EXPECT_EQ(broker_.assignments, assignments);
  broker_.state_answer = absl::OkStatus();
  Run();
  EXPECT_EQ(State(), WorkState::kRunning);
}

// To ask a leader that hangs takes seconds, in which no record is taken.
TEST_F(RecoveryTest, WhoCannotBeAskedWhereHeBeginsHoldsNobodyUp) {
  constexpr PartitionId kP2{2};
  broker_.silent = {kP0, kP1};
  broker_.GiveChange(AssignmentChange::kAssigned, {kP0, kP1, kP2});
  for (int i = 0; i < 20; ++i) Step();
  EXPECT_EQ(Snapshot().partitions.at(2).state, WorkState::kRunning);
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kLoading);
  const int asked = broker_.asked_in_vain;
  for (int i = 0; i < 12; ++i) Step();
  EXPECT_LE(broker_.asked_in_vain, asked + 3) << "five seconds for each question, and five for records";
  broker_.silent.clear();
  for (int i = 0; i < 6; ++i) Step();
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kRunning);
  EXPECT_EQ(Snapshot().partitions.at(1).state, WorkState::kRunning);
}

TEST_F(RecoveryTest, WhoHasRecordsDoesNotWaitForTheStateTopic) {
  broker_.silent = {kP0};  // it is not done with the state topic
  Assign({kP0, kP1});
  Step();
  const auto turn = [&](std::vector<FakeBroker::Input> records) {
    broker_.Give(std::move(records));
    ASSERT_TRUE(shard_->Step(Milliseconds(100)).ok());
  };
  turn({{kP1, {0}, Event("a", 0)}});
  turn({});
  EXPECT_EQ(broker_.state_wait, Duration{0});
  turn({});
  EXPECT_EQ(broker_.state_wait, Milliseconds(100));
}

TEST_F(RecoveryTest, ACommitThatABrokerLostIsToldAndWorkGoesOnFromTheOneBefore) {
  Append("garbage");
  Start();
  const CommittedOffset older = broker_.committed.at(kP0);
  Append("garbage");
  Run();
  broker_.committed[kP0] = older;
  Run(130);  // an audit
  EXPECT_EQ(Snapshot().commits_lost, 1U);
  EXPECT_EQ(Snapshot().audits_failed, 1U);
  EXPECT_EQ(CountOf("sessions-dead-letters"), 3) << "one of them again";
  EXPECT_EQ(broker_.committed.at(kP0).offset, Offset{2});
}

TEST_F(RecoveryTest, AfterACleanStopThereIsNothingToReplay) {
  Append(Event("a", 0));
  Start();
  ASSERT_TRUE(shard_->CommitForStop().ok());
  CrashAndStart();
  EXPECT_EQ(Snapshot().records_replayed, 0U);
  EXPECT_EQ(OpenSessions(), 1U);
}

TEST_F(RecoveryTest, SnapshotsAreTakenInTimeAndWhatTheyMakeSuperfluousGoes) {
  Append(Event("a", 0));
  Start();
  for (int minute = 1; minute < 9; ++minute) {
    Append(Event("a", minute));
    Run(61);
  }
  EXPECT_GE(Snapshot().snapshots, 3U);
  EXPECT_GT(broker_.truncated.at(kP0), Offset{0});
  const Offset truncated = broker_.truncated.at(kP0);
  EXPECT_EQ(ParseCommitMetadata(broker_.committed.at(kP0).metadata)->older_snapshot, truncated);
  CrashAndStart();
  EXPECT_LT(Snapshot().records_replayed, 5U);
  EXPECT_EQ(OpenSessions(), 1U);
}

// Nothing comes any more, the topic's retention goes on: a replay must not need the last records for ever.
TEST_F(RecoveryTest, AQuietTailGetsItsSnapshot) {
  Append(Event("a", 0));
  Start();
  Run(130);
  Append(Event("a", 1));
  Run(300);
  EXPECT_EQ(Snapshot().snapshots, 2U) << "and not one more while nothing changes";
  CrashAndStart();
  EXPECT_EQ(Snapshot().records_replayed, 0U);
  EXPECT_EQ(OpenSessions(), 1U);
}

TEST_F(RecoveryTest, ADamagedSnapshotIsRefusedAndTheOlderOneTaken) {
  Append(Event("a", 0));
  Start();
  ASSERT_TRUE(shard_->CommitForStop().ok());
  for (std::string& record : broker_.state[kP0]) {
    if (&record != broker_.state[kP0].data()) record[record.size() / 2] ^= 1;
  }
  CrashAndStart();
  Run(40);
  EXPECT_EQ(State(), WorkState::kRunning);
  EXPECT_EQ(Snapshot().records_replayed, 1U) << "from the empty snapshot at the very beginning";
  EXPECT_EQ(Snapshot().state_records_damaged, broker_.state[kP0].size() - 1) << "each once, however often it was read";
  EXPECT_EQ(Snapshot().snapshots_rejected, 1U);
  EXPECT_EQ(OpenSessions(), 1U);
}

// The commit still names the damaged one as the newest: it must not be what the good one is given up for.
TEST_F(RecoveryTest, TheOlderSnapshotThatWasTakenIsKeptUntilThereAreTwoBetterOnes) {
  Append(Event("a", 0));
  Start();
  ASSERT_TRUE(shard_->CommitForStop().ok());
  const auto before = *ParseCommitMetadata(broker_.committed.at(kP0).metadata);
  const auto damaged = static_cast<size_t>(before.newest_snapshot.value);
  broker_.state[kP0][damaged][broker_.state[kP0][damaged].size() / 2] ^= 1;
  CrashAndStart();
  Run(40);
  ASSERT_EQ(State(), WorkState::kRunning);
  Append(Event("a", 1));
  Run(3);
  EXPECT_EQ(ParseCommitMetadata(broker_.committed.at(kP0).metadata)->newest_snapshot, before.older_snapshot);
  Run(200);
  EXPECT_EQ(Snapshot().snapshots, 1U);
  EXPECT_EQ(ParseCommitMetadata(broker_.committed.at(kP0).metadata)->older_snapshot, before.older_snapshot);
  EXPECT_LE(broker_.truncated[kP0], *before.older_snapshot);
}

TEST_F(RecoveryTest, WithoutAnyStateThePartitionFails) {
  Append(Event("a", 0));
  Start();
  broker_.state[kP0].clear();
  CrashAndStart();
  Run(150);
  EXPECT_EQ(State(), WorkState::kFailed);
  EXPECT_EQ(Recoveries(RecoveryResult::kFailed), 1U);
}

TEST_F(RecoveryTest, ALostCommittedOffsetBesideAStateFails) {
  Append(Event("a", 0));
  Start();
  broker_.committed.clear();
  CrashAndStart();
  EXPECT_EQ(State(), WorkState::kFailed);
}

TEST_F(RecoveryTest, AnOffsetSetByHandBesideAStateFails) {
  Append(Event("a", 0));
  Start();
  broker_.committed[kP0] = {kP0, Offset{0}, ""};
  CrashAndStart();
  EXPECT_EQ(State(), WorkState::kFailed);
}

TEST_F(RecoveryTest, ANewerFormatFails) {
  Append(Event("a", 0));
  Start();
  std::string& metadata = broker_.committed.at(kP0).metadata;
  metadata.replace(0, 9, "tidemark2");
  CrashAndStart();
  EXPECT_EQ(State(), WorkState::kFailed);
}

TEST_F(RecoveryTest, OtherRecordsThanThoseOfTheCommitFail) {
  Append(Event("a", 0));
  Append(Event("a", 5));
  Start();
  log_[1] = Event("b", 5);  // the topic was re-created
  CrashAndStart();
  Run(100);
  EXPECT_EQ(State(), WorkState::kFailed) << "the digest tells";
  EXPECT_GE(Snapshot().snapshots_rejected, 1U);
}

TEST_F(RecoveryTest, AnAuditFindsNothingWrongWithAPartitionThatOnlyRecovered) {
  Append(Event("a", 0));
  Start();
  ASSERT_TRUE(shard_->CommitForStop().ok());
  CrashAndStart();
  const int producers = broker_.producers;
  Run(130);
  EXPECT_EQ(Snapshot().audits_failed, 0U);
  EXPECT_EQ(broker_.producers, producers);
}

// What was recovered and not committed since is as good as what was committed.
TEST_F(RecoveryTest, APartitionThatOnlyRecoveredKeepsItsStateThroughARebalance) {
  Append(Event("a", 0));
  Start();
  CrashAndStart();
  broker_.GiveChange(AssignmentChange::kRevoked);
  ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  Start();
  EXPECT_EQ(State(), WorkState::kRunning);
  EXPECT_EQ(Recoveries(RecoveryResult::kOk), 1U) << "it just went on";
}

TEST_F(RecoveryTest, AReplayThatGoesOnHasNotEnded) {
  for (int minute = 0; minute < 4; ++minute) Append(Event("a", minute));
  Start();
  StartAgain();
  broker_.GiveChange(AssignmentChange::kAssigned, {kP0});
  for (int i = 0; i < 4; ++i) Step();
  ASSERT_EQ(State(), WorkState::kReplaying);
  broker_.GiveEnd(kP0, {0});  // of a leader that does not know all yet
  Step();
  for (int64_t offset = 0; offset < End(); ++offset) {
    broker_.Give({{kP0, {offset}, log_[static_cast<size_t>(offset)]}});
    for (int i = 0; i < 20; ++i) Step();
  }
  broker_.GiveEnd(kP0, {End()});
  Step();
  EXPECT_EQ(State(), WorkState::kRunning);
}

TEST_F(RecoveryTest, AReplayThatDoesNotGoOnFails) {
  for (int minute = 0; minute < 4; ++minute) Append(Event("a", minute));
  Start();
  log_.resize(2);  // the topic lost records
  CrashAndStart();
  Run(80);
  EXPECT_EQ(State(), WorkState::kFailed);
}

TEST_F(RecoveryTest, MovesOfTheWatermarkAreRepeated) {
  Append(Event("a", 0));
  Start();
  Run(22 * 60);
  EXPECT_EQ(CountOf("sessions"), 1) << "closed by the clock";
  Append(Event("a", 1));  // its session has closed
  Run();
  EXPECT_EQ(CountOf("sessions-late"), 1);
  CrashAndStart();
  EXPECT_EQ(State(), WorkState::kRunning);
  EXPECT_EQ(Recoveries(RecoveryResult::kOk), 1U);
  Run(22 * 60);
  EXPECT_EQ(CountOf("sessions"), 1);
  EXPECT_EQ(CountOf("sessions-late"), 1);
}

TEST_F(RecoveryTest, OtherRulesCountFromTheCommittedOffsetOn) {
  Append(Event("a", 0));
  Append(Event("b", 4));
  Start();
  Rules rules;
  rules.timeout.web = Minutes(3);
  CrashAndStart(rules);
  EXPECT_EQ(CountOf("sessions"), 1) << "a is over by the new rules";
  EXPECT_EQ(OpenSessions(), 1U);
  CrashAndStart(rules);
  EXPECT_EQ(Recoveries(RecoveryResult::kOk), 1U);
  EXPECT_EQ(CountOf("sessions"), 1);
  CrashAndStart();
  EXPECT_EQ(State(), WorkState::kRunning);
  EXPECT_EQ(CountOf("sessions"), 1);
}

}  // namespace
}  // namespace tidemark
