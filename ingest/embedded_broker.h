// A Kafka broker inside the process: librdkafka's mock cluster, for the demo and for tests.
//
// What it is not (librdkafka 2.0.2): it acknowledges offsets sent to a transaction but does not keep them, so the group
// begins at the first record each time; it shows aborted records to read_committed readers; it keeps 5 MB or 100,000
// records of a partition; it cannot create topics on request. Good for showing the job and for the paths of the
// client, not for testing exactly-once: that is done on a real broker.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <librdkafka/rdkafka.h>
// After it:
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <memory>
#include <string>

#include "ingest/kafka_handle.h"

namespace tidemark {

class EmbeddedBroker {
 public:
  static absl::StatusOr<std::unique_ptr<EmbeddedBroker>> Start(int brokers = 1);

  absl::Status CreateTopic(const std::string& name, uint32_t partitions);
  const std::string& brokers() const { return brokers_; }  // for kafka.brokers

  // While down, connections are closed and refused.
  void SetDown(bool down);

  // For faults that only a test has.
  rd_kafka_mock_cluster_t* cluster() const { return rd_kafka_handle_mock_cluster(handle_.get()); }

 private:
  explicit EmbeddedBroker(KafkaClientHandle handle);

  KafkaClientHandle handle_;  // owns the cluster
  std::string brokers_;
};

}  // namespace tidemark
