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
  EXPECT_GE(Snapshot().state_records_damaged, 1U);
  EXPECT_EQ(OpenSessions(), 1U);
}

TEST_F(RecoveryTest, WithoutAnyStateThePartitionFails) {
  Append(Event("a", 0));
  Start();
  broker_.state[kP0].clear();
  CrashAndStart();
  Run(100);
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
