// Generated events into the events topic: a plain idempotent producer, keyed, partitioned as Kafka's own clients do.
//
// Send waits while the queue is full, so memory stays bounded. What the brokers refuse in the end is counted and the
// first reason kept. One thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/kafka_handle.h"
#include "ingest/kafka_options.h"

namespace tidemark {

class EventProducer {
 public:
  // For options.events_topic, which must exist. Connects later.
  static absl::StatusOr<std::unique_ptr<EventProducer>> Create(const KafkaOptions& options);

  // Hands a record over; an error if it can never be delivered, or `give_up` said so while the brokers took none.
  absl::Status Send(std::string_view key, std::string_view value, const std::function<bool()>& give_up = {});

  // Waits for the outstanding deliveries, until `give_up` says so; an error names how many records were not delivered,
  // and why.
  absl::Status Flush(const std::function<bool()>& give_up = {});

  uint64_t delivered() const { return delivered_; }
  uint64_t failed() const { return failed_; }

 private:
  explicit EventProducer(std::string topic) : topic_(std::move(topic)) {}
  void OnDelivery(const rd_kafka_message_t& message);

  std::string topic_;
  uint64_t delivered_ = 0;
  uint64_t failed_ = 0;
  std::string first_failure_;
  KafkaClientHandle producer_;  // last: its callbacks count into the members above
};

}  // namespace tidemark
