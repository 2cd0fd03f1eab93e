// What a shard writes: one transaction at a time with sessions, late events, dead letters, state records and offsets.
//
// A transaction is begun with the first thing to send, and ended by Commit: then all of it is visible, or none. After a
// failure, or an answer that took too long, the producer is replaced before anything else is written; what became of
// the transaction, the committed offsets tell. The shard's thread only.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/state_record.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/kafka_options.h"
#include "ingest/shard_snapshot.h"
#include "sinks/kafka_sink.h"

namespace tidemark {

class ShardOutput {
 public:
  // References must outlive the output. Counts what it does in `totals`.
  ShardOutput(uint32_t shard, const KafkaOptions& kafka, Broker& broker, const Clock& clock, ShardHeartbeat& heartbeat,
              ShardSnapshot& totals);

  // A producer to write with, if there is none. OK without one: the broker is away, call again.
  absl::Status Prepare();
  bool ready() const { return ready_; }

  // Before each effect of so many bytes. After it the sink takes the effect.
  absl::Status Begin(uint64_t bytes);
  KafkaSink& sink() { return *sink_; }
  absl::Status WriteState(PartitionId partition, const StateRecord& record);

  bool in_transaction() const { return in_transaction_; }
  // Large enough to be committed before its time.
  bool full() const { return bytes_ >= kMaxTransactionBytes; }

  // Ends the transaction with these offsets, at least one. Aborted: it failed, or is in doubt; Abandon is called for.
  absl::Status Commit(std::span<const CommittedOffset> offsets);

  // Lets go of the producer and with it of the transaction: if there is one, that is how it ended.
  void Abandon(CommitResult result);

  uint64_t records_without_value() const;

 private:
  static constexpr uint64_t kMaxTransactionBytes = 32 << 20;

  absl::Status EndTransaction(std::span<const CommittedOffset> offsets);
  void NoteDuration(Duration took);

  const uint32_t shard_;
  const KafkaOptions& kafka_;
  const std::string state_topic_;
  Broker& broker_;
  const Clock& clock_;
  ShardHeartbeat& heartbeat_;
  ShardSnapshot& totals_;

  std::optional<KafkaSink> sink_;  // a new one with each producer
  bool ready_ = false;
  bool in_transaction_ = false;
  uint64_t bytes_ = 0;
  uint64_t omitted_before_ = 0;  // records_without_value of former sinks
  std::string encoded_;
};

}  // namespace tidemark
