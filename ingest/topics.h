// The topics tidemark reads and writes: which there must be, which there are, and their creation.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/types.h"
#include "ingest/kafka_options.h"

namespace tidemark {

struct TopicNeed {
  std::string name;
  std::string purpose;    // "raw events, read"
  bool is_state = false;  // created with as many partitions as the events topic, and kept for ever
};

// In the order events -> sessions -> late -> dead letters -> state.
std::vector<TopicNeed> NeededTopics(const KafkaOptions& options);

struct TopicState {
  TopicNeed need;
  bool exists = false;
  uint32_t partitions = 0;
};

// Asks the brokers, without creating anything. Unavailable when none answers within `timeout`.
absl::StatusOr<std::vector<TopicState>> DescribeTopics(const KafkaOptions& options, Duration timeout);

// Creates those that do not exist, with kafka.partitions and kafka.replication; returns their names. One that another
// process created meanwhile is no error.
absl::StatusOr<std::vector<std::string>> CreateMissingTopics(const KafkaOptions& options,
                                                             const std::vector<TopicState>& topics, Duration timeout);

// That Kafka deletes nothing of the state topic (cleanup.policy=delete, retention.ms=-1, retention.bytes=-1) and takes
// records without a key in those of late events and dead letters (not compacted). FailedPrecondition, with the command
// that sets it right, where it is not so. Where the brokers do not tell, a warning says so and the answer is OK.
// REQUIRES: the topics exist.
absl::Status CheckTopicSettings(const KafkaOptions& options, Duration timeout);

// OK when all exist; else FailedPrecondition with their names and the command that creates them.
absl::Status RequireTopics(const std::vector<TopicState>& topics);

}  // namespace tidemark
