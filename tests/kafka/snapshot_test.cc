// Which partition gets its snapshot when, and what is still to be done if one is abandoned.
#include "tests/kafka/shard_fixture.h"

namespace tidemark {
namespace {

class SnapshotTest : public ShardTest {
 protected:
  // A session each; enough of them make a snapshot that takes as many turns, for records are small here.
  void OpenSessions(PartitionId partition, int count) {
    broker_.record_limit = 600;
    std::vector<FakeBroker::Input> records;
    for (int i = 0; i < count; ++i) records.push_back({partition, NextOf(partition), Event(fmt::format("s{}", i), 0)});
    broker_.Give(std::move(records));
    Step();
  }

  // A shard that would have too much to replay after a few hundred kilobytes.
  void TakeEarly() {
    ShardOptions options;
    options.incarnation = "early";
    options.kafka.recovery_target = Milliseconds(1);  // of 100 MiB a second
    shard_.emplace(options, broker_, clock_, heartbeat_);
  }

  Offset NextOf(PartitionId partition) { return {next_[partition]++}; }

  CommitMetadata Metadata(PartitionId partition) const {
    return *ParseCommitMetadata(broker_.committed.at(partition).metadata);
  }

  std::map<PartitionId, int64_t> next_;
};

TEST_F(SnapshotTest, EachPartitionGetsItsTurnThoughARoundTakesLongerThanTheInterval) {
  const std::vector<PartitionId> partitions{{0}, {1}, {2}, {3}};
  Assign(partitions);
  for (const PartitionId partition : partitions) OpenSessions(partition, 200);
  for (int second = 0; second < 1500; ++second) {
    std::vector<FakeBroker::Input> records;
    for (const PartitionId partition : partitions) records.push_back({partition, NextOf(partition), Event("s0", 0)});
    broker_.Give(std::move(records));
    Step();
  }
  EXPECT_GE(Snapshot().snapshots, 4U);
  for (const PartitionId partition : partitions) {
    EXPECT_GT(Metadata(partition).newest_snapshot, Offset{0}) << "partition " << partition.value;
  }
}

TEST_F(SnapshotTest, OneIsTakenEarlyWhereThereWouldBeTooMuchToReplay) {
  TakeEarly();
  Assign({kP0});
  broker_.Give({{kP0, {0}, "x"}});
  for (int i = 0; i < 5; ++i) Step();
  EXPECT_EQ(Snapshot().snapshots, 0U);
  broker_.Give({{kP0, {1}, std::string(200'000, 'x')}});
  for (int i = 0; i < 4; ++i) Step();
  EXPECT_EQ(Snapshot().snapshots, 1U);
}

// There is always more to replay of the busy one.
TEST_F(SnapshotTest, AQuietPartitionHasItsTurnThoughThereIsAlwaysTooMuchToReplay) {
  TakeEarly();
  Assign({kP0, kP1});
  broker_.Give({{kP1, NextOf(kP1), Event("quiet", 0)}});
  Step();
  for (int second = 0; second < 300; ++second) {
    broker_.Give({{kP0, NextOf(kP0), std::string(200'000, 'x')}});
    Step();
  }
  EXPECT_GT(Metadata(kP0).newest_snapshot, Offset{0});
  EXPECT_GT(Metadata(kP1).newest_snapshot, Offset{0});
}

TEST_F(SnapshotTest, WhoDoesNotAnswerIsNotAskedWithEachCommit) {
  TakeEarly();
  Assign({kP0});
  broker_.state_end_answer = absl::UnavailableError("timed out");
  broker_.state_ends_asked = 0;
  const auto read_for = [this](int seconds) {
    for (int second = 0; second < seconds; ++second) {
      broker_.Give({{kP0, NextOf(kP0), std::string(200'000, 'x')}});
      Step();
    }
  };
  read_for(20);
  EXPECT_EQ(broker_.state_ends_asked, 1);
  read_for(20);
  EXPECT_EQ(broker_.state_ends_asked, 2);
  broker_.state_end_answer = absl::OkStatus();
  read_for(40);
  EXPECT_GT(Snapshot().snapshots, 0U);
}

// A slow commit in the middle of a snapshot: the state is kept, the snapshot is not.
TEST_F(SnapshotTest, AnAbandonedSnapshotIsMadeUpForAtTheStop) {
  Assign({kP0});
  OpenSessions(kP0, 100);
  for (int i = 0; i < 121; ++i) Step();
  broker_.Give({{kP0, NextOf(kP0), Event("s0", 1)}});
  for (int i = 0; i < 3; ++i) Step();
  ASSERT_GT(Snapshot().snapshot_bytes, 0U);
  broker_.commit_takes = Seconds(6);
  Step();
  broker_.commit_takes = Duration{0};
  Step();
  ASSERT_EQ(Snapshot().snapshots, 0U);
  ASSERT_EQ(Snapshot().partitions.at(0).state, WorkState::kRunning);
  ASSERT_TRUE(shard_->CommitForStop().ok());
  EXPECT_EQ(Snapshot().snapshots, 1U);
  StartAgain();
  Assign({kP0});
  Step();
  EXPECT_EQ(Snapshot().partitions.at(0).state, WorkState::kRunning) << "there is nothing to replay";
  EXPECT_EQ(Snapshot().open_sessions[0], 100U);
}

}  // namespace
}  // namespace tidemark
