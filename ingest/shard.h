// A shard: some partitions of the events topic, worked on by one consumer and one transactional producer.
//
// A single-threaded object without a thread, clock or socket of its own: Step() is one turn of its loop, the Broker
// and the Clock are given. A thread drives it in production, the simulator does in tests.
//
// Promises:
//   1. The effects of records and the offsets behind them become visible in one transaction, or not at all.
//   2. There is one way to begin work on a partition, whatever happened before: BeginWork, from the committed offset.
//      A commit that failed or is in doubt is not argued about: the producer is replaced, which settles the
//      transaction, and all partitions begin again; those whose state is exactly what is committed just go on.
//   3. A record that is not the owned partition's, or was taken before, is dropped; an offset is never guessed.
//   4. The watermark of a quiet partition follows the clock only while its leader confirms that it has been read to
//      its end.
#pragma once

#include <absl/status/status.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/rules.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/kafka_options.h"
#include "ingest/partition_work.h"
#include "ingest/shard_snapshot.h"
#include "sinks/kafka_sink.h"

namespace tidemark {

struct ShardOptions {
  uint32_t shard = 0;
  Rules rules;
  KafkaOptions kafka;
  std::string incarnation;   // differs between any two runs of the program: makes its commits distinguishable
  int event_time_speed = 1;  // how much faster than the clock a quiet partition's watermark moves
};

// Written by the shard's thread, read by a watchdog: milliseconds of the shard's clock.
struct ShardHeartbeat {
  static constexpr int64_t kNoCommit = -1;
  std::atomic<int64_t> last_turn_ms{0};
  std::atomic<int64_t> commit_started_ms{kNoCommit};
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

  // Commits what is done. The last thing before Close.
  absl::Status CommitForStop();
  // Leaves the group without committing. No Step after it.
  void Close();

  void FillSnapshot(ShardSnapshot& snapshot) const;

 private:
  class EffectsToSink;
  using Works = std::map<PartitionId, PartitionWork>;

  // Assignment.
  absl::Status HandleChange();
  void TakeAssignment();
  absl::Status GiveUpAssignment();
  absl::Status BeginWaiting();
  absl::Status BeginWork(PartitionWork& work, const CommittedOffset& committed);
  void BeginAllAgain();
  void DropState(const PartitionWork& work, std::string_view why);

  // Records and the clock.
  absl::Status ApplyRecords();
  bool Accepts(const PartitionWork* work, const InputRecord& input);
  void NoteEndsAndErrors();
  absl::Status AdvanceQuietPartitions();
  PartitionWork* FindWork(PartitionId partition);

  // Transactions.
  absl::Status PrepareProducer();
  absl::Status EnsureTransaction();
  absl::Status CommitIfDue();
  absl::Status Commit();
  absl::Status EndTransaction(const std::vector<CommittedOffset>& offsets);
  std::vector<CommittedOffset> OffsetsToCommit();
  void AbandonTransaction(CommitResult result);
  void NoteCommit(CommitResult result, Duration took);
  absl::Status Survive(const absl::Status& status);

  const ShardOptions options_;
  Broker& broker_;
  const Clock& clock_;
  ShardHeartbeat& heartbeat_;
  std::optional<KafkaSink> sink_;  // a new one with each producer

  Works works_;   // assigned
  Works parked_;  // revoked by the last rebalance: they usually come back with the next assignment
  bool in_group_ = false;
  bool begin_wanted_ = false;  // an assignment is to be answered, or partitions wait to begin
  uint64_t assignment_epoch_ = 0;
  PollResult poll_;

  bool producer_ready_ = false;
  bool in_transaction_ = false;
  uint64_t transaction_bytes_ = 0;
  uint64_t next_commit_number_ = 1;
  uint32_t failures_in_a_row_ = 0;
  MonotonicTime last_commit_;
  MonotonicTime last_quiet_check_;

  ShardSnapshot totals_;  // commits, and the counters of states that are gone
};

}  // namespace tidemark
