// What `run`, `topics`, `generate --config` and `demo` need to know about Kafka: the [kafka] table of the
// configuration.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/types.h"

namespace tidemark {

struct KafkaOptions {
  std::string brokers = "localhost:9092";
  std::string group = "tidemark";
  std::string instance_id;  // empty: the host's name
  std::string events_topic = "journey-events";
  std::string sessions_topic = "sessions";
  std::string late_topic = "sessions-late";
  std::string dead_letters_topic = "sessions-dead-letters";
  bool create_topics = false;  // `run` creates missing topics
  uint32_t partitions = 4;     // of topics that are created
  uint32_t replication = 1;    // of topics that are created
  uint32_t shards = 0;         // 0: one per core
  Duration commit_interval = Seconds(1);
  Duration snapshot_interval = Minutes(2);        // of a partition, while it has records
  Duration recovery_target = Seconds(10);         // a replay that would take longer is reason for a snapshot, too
  Duration idle_partition_after = Minutes(1);     // [time] idle_partition_after (spec section 3, quiet partition)
  std::map<std::string, std::string> properties;  // [kafka.properties]: librdkafka's, passed through
};

// `{group}-state`: as many partitions as the events topic, unlimited retention, read by tidemark alone.
inline std::string StateTopic(const KafkaOptions& options) { return options.group + "-state"; }

}  // namespace tidemark
