// The state topic through librdkafka: a consumer without a group membership that reads it back, and what is asked of
// its partitions. Used by KafkaClient alone; one thread, the shard's.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ingest/batch_consumer.h"
#include "ingest/broker.h"
#include "ingest/kafka_handle.h"
#include "ingest/kafka_options.h"

namespace tidemark {

class KafkaState {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaState>> Create(const KafkaOptions& options, uint32_t shard);

  // As the functions of Broker say.
  absl::Status Read(std::span<const PartitionStart> starts);
  absl::Status Poll(Duration timeout, StatePollResult& result);
  // Between reading and reading: hears what its connections have to say, so that it does not pile up.
  void ServeIdle();
  absl::StatusOr<Offset> End(PartitionId partition);
  void Truncate(PartitionId partition, Offset before);

 private:
  explicit KafkaState(const KafkaOptions& options) : options_(options), topic_(StateTopic(options)) {}

  absl::Status Start(uint32_t shard);
  absl::Status EnsurePartitions(uint32_t needed);
  void AddPartitions(uint32_t needed);
  absl::Status TakeMessage(const rd_kafka_message_t& message, StatePollResult& result);
  bool IsEnd(const rd_kafka_message_t& message) const;
  void TakeTruncateResults();

  const KafkaOptions options_;
  const std::string topic_;
  BatchConsumer consumer_;
  KafkaQueue truncated_;  // answers to Truncate
  bool reading_ = false;
  std::optional<MonotonicTime> served_at_;
  uint32_t partitions_ = 0;                  // known to exist
  std::optional<MonotonicTime> refused_at_;  // when more were last asked for in vain
};

}  // namespace tidemark
