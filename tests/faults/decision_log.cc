#include "tests/faults/decision_log.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "ingest/kafka_handle.h"
#include "tests/broker/child_process.h"

namespace tidemark::testing {
namespace {

constexpr int kPollMs = 100;
constexpr std::chrono::seconds kFinishLimit{60};

struct DestroyMessage {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
struct DestroyList {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};

rd_kafka_t* NewConsumer(const std::string& address) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> error{};
  const std::array<std::array<const char*, 2>, 8> properties = {{{"bootstrap.servers", address.c_str()},
                                                                 {"group.id", "the-test"},
                                                                 {"isolation.level", "read_committed"},
                                                                 {"enable.auto.commit", "false"},
                                                                 {"enable.partition.eof", "true"},
                                                                 {"auto.offset.reset", "error"},
                                                                 {"topic.metadata.refresh.interval.ms", "1000"},
                                                                 {"reconnect.backoff.max.ms", "500"}}};
  for (const auto& [name, value] : properties) rd_kafka_conf_set(conf, name, value, error.data(), error.size());
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error.data(), error.size());
  if (consumer == nullptr) throw std::runtime_error(error.data());
  rd_kafka_poll_set_consumer(consumer);
  return consumer;
}

bool SameDecision(const Decision& a, const Decision& b) {
  std::string left, right;
  EncodeStateRecord(a, left);
  EncodeStateRecord(b, right);
  return left == right;
}

}  // namespace

DecisionLog::DecisionLog(std::string address, std::string topic, int partitions)
    : address_(std::move(address)),
      topic_(std::move(topic)),
      logs_(static_cast<size_t>(partitions)),
      read_to_(static_cast<size_t>(partitions)),
      thread_(&DecisionLog::Run, this) {}

DecisionLog::~DecisionLog() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

bool DecisionLog::Finish(const std::vector<int64_t>& ends) {
  const bool read = Eventually(kFinishLimit, [&] {
    const bool at_end = std::equal(ends.begin(), ends.end(), read_to_.begin(), read_to_.end(),
                                   [](int64_t end, const std::atomic<int64_t>& to) { return to >= end; });
    return at_end || overtaken_;
  });
  stop_ = true;
  thread_.join();
  return read && !overtaken_;
}

void DecisionLog::Run() {
  const KafkaClientHandle consumer(NewConsumer(address_));
  const std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyList> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(logs_.size())));
  for (size_t i = 0; i < logs_.size(); ++i) {
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), static_cast<int32_t>(i))->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(consumer.get(), list.get());
  while (!stop_ && !overtaken_) {
    wall_clock_.Sample();
    const std::unique_ptr<rd_kafka_message_t, DestroyMessage> message(rd_kafka_consumer_poll(consumer.get(), kPollMs));
    if (!message) continue;
    const auto partition = static_cast<size_t>(message->partition);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      read_to_[partition] = message->offset;
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
      overtaken_ = true;
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Take(logs_[partition], {static_cast<const char*>(message->payload), message->len}, message->offset,
           rd_kafka_message_timestamp(message.get(), nullptr));
    }
  }
  for (PartitionLog& log : logs_) log.wall_clock_moved_ms = wall_clock_.moved_ms();
}

void DecisionLog::Take(PartitionLog& log, std::string_view bytes, int64_t offset, int64_t logged_ms) {
  const auto record = DecodeStateRecord(bytes);
  if (!record.ok()) {
    log.problems.push_back(
        fmt::format("at offset {} of the state topic: {}", offset, std::string(record.status().message())));
    return;
  }
  if (const auto* end = std::get_if<SnapshotEnd>(&*record)) log.snapshots.push_back(*end);
  const auto* decision = std::get_if<Decision>(&*record);
  if (decision == nullptr) return;
  const auto [known, added] = log.decisions.try_emplace(decision->number, LoggedDecision{*decision, logged_ms});
  if (!added) {
    log.problems.push_back(fmt::format("decision {} is in the log twice{}, again at offset {}", decision->number,
                                       SameDecision(known->second.decision, *decision) ? "" : ", differently", offset));
  }
}

}  // namespace tidemark::testing
