#include "ingest/embedded_broker.h"

#include <fmt/format.h>

#include <utility>

namespace tidemark {
namespace {

constexpr int kAllBrokers = -1;

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedBroker>> EmbeddedBroker::Start(int brokers) {
  auto conf = MakeKafkaConf({}, {{"client.id", "embedded-broker"}, {"test.mock.num.brokers", std::to_string(brokers)}});
  if (!conf.ok()) return conf.status();
  auto handle = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!handle.ok()) return handle.status();
  return std::unique_ptr<EmbeddedBroker>(new EmbeddedBroker(*std::move(handle)));
}

EmbeddedBroker::EmbeddedBroker(KafkaClientHandle handle)
    : handle_(std::move(handle)), brokers_(rd_kafka_mock_cluster_bootstraps(cluster())) {}

absl::Status EmbeddedBroker::CreateTopic(const std::string& name, uint32_t partitions) {
  const rd_kafka_resp_err_t error =
      rd_kafka_mock_topic_create(cluster(), name.c_str(), static_cast<int>(partitions), 1);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return absl::InternalError(fmt::format("creating the topic {}: {}", name, rd_kafka_err2str(error)));
}

void EmbeddedBroker::SetDown(bool down) {
  if (down) {
    rd_kafka_mock_broker_set_down(cluster(), kAllBrokers);
  } else {
    rd_kafka_mock_broker_set_up(cluster(), kAllBrokers);
  }
}

}  // namespace tidemark
