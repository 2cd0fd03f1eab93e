// A shard: some partitions of the events topic, worked on by one consumer and one transactional producer.
//
// A single-threaded object without a thread, clock or socket of its own: Step() is one turn of its loop, the Broker
// and the Clock are given. A thread drives it in production, the simulator does in tests.
//
// Promises:
//   1. The effects of records and the offsets behind them become visible in one transaction, or not at all.
//   2. There is one way to begin work on a partition, whatever happened before: Recovery, from the committed offset and
//      the state topic. A commit that failed or is in doubt is not argued about: the producer is replaced, which
//      settles the transaction, and all partitions begin again; those whose state is exactly what is committed just go
//      on.
//   3. A record that is not the owned partition's, or was taken before, is dropped; an offset is never guessed.
//   4. The watermark of a quiet partition follows the clock only while its leader confirms, and has confirmed for long
//      enough (PartitionWork::ConfirmQuiet), that it has been read to its end. Each move that anything depends on is a
//      decision: written in the transaction of what follows from it.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/rules.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/kafka_options.h"
#include "ingest/partition_work.h"
#include "ingest/recovery.h"
#include "ingest/shard_output.h"
#include "ingest/shard_snapshot.h"
#include "ingest/snapshotter.h"

namespace tidemark {

struct ShardOptions {
  uint32_t shard = 0;
  Rules rules;
  KafkaOptions kafka;
  std::string incarnation;   // differs between any two runs of the program: makes its commits distinguishable
  int event_time_speed = 1;  // how much faster than the clock a quiet partition's watermark moves
};

class Shard {
 public:
  // `broker`, `clock` and `heartbeat` must outlive the shard.
  Shard(ShardOptions options, Broker& broker, const Clock& clock, ShardHeartbeat& heartbeat);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // One turn: waits up to `max_wait` for records, applies them, commits when it is time. An error is the end.
  absl::Status Step(Duration max_wait);

  // Commits what is done, and a snapshot of each partition: so the next start has nothing to replay. The last thing
  // before Close.
  absl::Status CommitForStop();
  // Leaves the group without committing. No Step after it.
  void Close();

  void FillSnapshot(ShardSnapshot& snapshot) const;

 private:
  class EffectsToSink;
  using Works = std::map<PartitionId, PartitionWork>;

  // Assignment: shard_assignment.cc.
  bool HasNewWork() const;
  absl::Status HandleChange();
  void TakeAssignment();
  void Park();
  void GiveUpAssignment();
  absl::Status BeginWaiting();
  absl::Status ReadFromHere();
  absl::Status Recover(Duration max_wait);
  void BeginAllAgain();
  void DropParked();
  void NoteGone(const PartitionWork& work);

  // Records and the clock.
  absl::Status ApplyRecords();
  absl::Status ApplyRun(PartitionWork* work, std::span<const InputRecord> records);
  bool Accepts(const PartitionWork* work, const InputRecord& input);
  absl::Status NoteEndsAndErrors();
  absl::Status AdvanceQuietPartitions();
  absl::Status WriteUnwrittenMove(PartitionWork& work);
  void IncludeMoves();
  Duration TimeToWait(Duration max_wait) const;
  absl::Status WriteSnapshot();
  absl::Status FinishReplay(PartitionWork& work);
  absl::Status SwitchRules(PartitionWork& work);
  PartitionWork* FindWork(PartitionId partition);

  // Commits.
  absl::Status CommitIfDue();
  absl::Status Commit();
  absl::Status CommitAlone();
  absl::Status PrepareCommit(std::vector<CommittedOffset>& offsets);
  void AuditIfDue();
  absl::Status SnapshotForStop(PartitionWork& work);
  absl::Status Survive(const absl::Status& status);
  void StartAnew(CommitResult result);

  const ShardOptions options_;
  Broker& broker_;
  const Clock& clock_;
  ShardHeartbeat& heartbeat_;
  ShardSnapshot totals_;  // commits, and the counters of states that are gone
  ShardOutput output_;
  Recovery recovery_;
  Snapshotter snapshotter_;

  Works works_;   // assigned
  Works parked_;  // revoked by a rebalance: they may come back, with what is committed unchanged
  MonotonicTime parked_since_;
  bool in_group_ = false;
  bool begin_wanted_ = false;   // partitions wait to begin
  bool assign_wanted_ = false;  // what is to be read has changed
  MonotonicTime last_assign_;
  uint64_t assignment_epoch_ = 0;
  PollResult poll_;

  uint64_t next_commit_number_ = 1;
  uint32_t failures_in_a_row_ = 0;
  MonotonicTime next_commit_;
  MonotonicTime last_quiet_check_;
  MonotonicTime last_audit_;
};

}  // namespace tidemark
