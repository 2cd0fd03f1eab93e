#include "ingest/batch_consumer.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace tidemark {
namespace {

constexpr Duration kAssignmentInEffectAfter = Milliseconds(100);
// Some milliseconds of a shard's work, and small against the last cache.
constexpr char kReadAheadKilobytes[] = "8192";
constexpr uint64_t kLargestFetch = 4 << 20;
// Less than this share of the limit has hardly been the reason for which fetching stopped. Sizes are estimates.
constexpr uint64_t kHardlyFull = 16;

bool LooksAgainItself() {
  constexpr int kFirstWithBackoffSetting = 0x02020000;
  return rd_kafka_version() >= kFirstWithBackoffSetting;
}

}  // namespace

void BatchConsumer::AddReadAhead(const KafkaOptions& options, KafkaProperties& ours) {
  uint64_t largest_record = 0;
  const auto found = options.properties.find("message.max.bytes");
  if (found != options.properties.end() && !absl::SimpleAtoi(found->second, &largest_record)) largest_record = 0;
  if (LooksAgainItself()) ours.emplace_back("fetch.queue.backoff.ms", "5");
  ours.emplace_back("queued.max.messages.kbytes", kReadAheadKilobytes);
  ours.emplace_back("queued.min.messages", "10000000");  // the bytes decide
  ours.emplace_back("fetch.max.bytes", std::to_string(std::max(kLargestFetch, largest_record)));
}

absl::Status BatchConsumer::Open(KafkaConf conf) {
  uint64_t kilobytes = 0;
  if (!absl::SimpleAtoi(KafkaProperty(conf.get(), "queued.max.messages.kbytes"), &kilobytes)) kilobytes = 0;
  auto consumer = MakeKafkaClient(RD_KAFKA_CONSUMER, std::move(conf));
  if (!consumer.ok()) return consumer.status();
  consumer_ = *std::move(consumer);
  rd_kafka_poll_set_consumer(consumer_.get());
  queue_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  read_ahead_bytes_ = kilobytes * 1024;
  return absl::OkStatus();
}

rd_kafka_resp_err_t BatchConsumer::Assign(const rd_kafka_topic_partition_list_t* partitions) {
  const MonotonicTime now = SystemClock().Now();
  if (assigned_at_ && now - *assigned_at_ < kAssignmentInEffectAfter) {
    const Duration rest = kAssignmentInEffectAfter - (now - *assigned_at_);
    std::this_thread::sleep_for(std::chrono::milliseconds(rest.ms));
  }
  assigned_at_ = SystemClock().Now();
  assigned_.reset(partitions ? rd_kafka_topic_partition_list_copy(partitions) : nullptr);
  return rd_kafka_assign(consumer_.get(), partitions);
}

std::span<const rd_kafka_message_t* const> BatchConsumer::Next(Duration timeout, size_t limit) {
  DropBatch();
  const size_t waiting = rd_kafka_queue_length(queue_.get());
  batch_.resize(limit);
  // Waiting for a full batch would make a slow topic wait for the time-out each time: wait for one, take the rest.
  ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), static_cast<int>(timeout.ms), batch_.data(), 1);
  if (count == 1) {
    const ssize_t more = rd_kafka_consume_batch_queue(queue_.get(), 0, batch_.data() + 1, limit - 1);
    if (more > 0) count += more;
  }
  batch_.resize(count > 0 ? static_cast<size_t>(count) : 0);
  if (!LooksAgainItself() && !batch_.empty()) KeepFetching(waiting);
  return batch_;
}

// To wake the threads of all brokers that are read from, they are asked something, and nobody waits for the answer. The
// bytes that were waiting are guessed from those of the batch; as the guess may be wrong, half of what is left is a
// reason again.
void BatchConsumer::KeepFetching(size_t waited_before) {
  most_waiting_ = std::max(most_waiting_, waited_before);
  const size_t waiting = rd_kafka_queue_length(queue_.get());
  if (waiting > most_waiting_ / 2) return;
  uint64_t batch_bytes = 0;
  for (const rd_kafka_message_t* message : batch_) batch_bytes += message->len + message->key_len;
  const bool may_have_stopped = batch_bytes / batch_.size() * most_waiting_ >= read_ahead_bytes_ / kHardlyFull;
  most_waiting_ = waiting;
  if (!may_have_stopped || !assigned_) return;
  const KafkaPartitions ends(rd_kafka_topic_partition_list_copy(assigned_.get()));
  for (int i = 0; i < ends->cnt; ++i) ends->elems[i].offset = RD_KAFKA_OFFSET_END;
  rd_kafka_offsets_for_times(consumer_.get(), ends.get(), 0);
}

void BatchConsumer::DropBatch() {
  for (rd_kafka_message_t* message : batch_) rd_kafka_message_destroy(message);
  batch_.clear();
}

void BatchConsumer::Close() {
  if (!consumer_) return;
  DropBatch();
  Assign(nullptr);  // answers a rebalance that its user has not
  rd_kafka_consumer_close(consumer_.get());
  queue_.reset();
  consumer_.reset();
}

void BatchConsumer::Abandon() {
  DropBatch();
  assigned_.reset();
  queue_.reset();
  rd_kafka_destroy_flags(consumer_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

}  // namespace tidemark
