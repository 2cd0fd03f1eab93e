// KafkaClient's part that writes: one transactional producer.
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "ingest/kafka_client.h"
#include "ingest/record_producer.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kTransactionTimeout = Seconds(15);  // unless the commit interval is long
constexpr Duration kTimeToCommit = Seconds(10);
constexpr int kInitTimeoutMs = 5'000;
constexpr int kQueueFullWaitMs = 100;
constexpr int kQueueFullWaits = 100;  // together less than the transaction's time-out
// What takes longer leaves the transaction in doubt: a late answer to this one could end the next one.
constexpr Duration kDoubtfulAfter = Seconds(5);

MonotonicTime Now() { return SystemClock().Now(); }

Duration Since(MonotonicTime start) { return Now() - start; }

// A transaction is open for the commit interval and for what its commit takes.
Duration DefaultTransactionTimeout(const KafkaOptions& options) {
  return std::max(kTransactionTimeout, options.commit_interval + kTimeToCommit);
}

KafkaProperties ProducerProperties(const KafkaOptions& options, uint32_t shard) {
  KafkaProperties ours = {{"client.id", fmt::format("tidemark-{}", MemberId(options, shard))},
                          {"transactional.id", TransactionalId(options, shard)},
                          {"transaction.timeout.ms", std::to_string(DefaultTransactionTimeout(options).ms)}};
  AddProducerSettings(ours);
  return ours;
}

uint64_t ParseNumber(const std::string& text, uint64_t otherwise) {
  uint64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

// A dot within the instance's name would make it the end of another group's.
std::string TransactionalId(const KafkaOptions& options, uint32_t shard) {
  const std::string instance = absl::StrReplaceAll(options.instance_id, {{"%", "%25"}, {".", "%2E"}});
  return fmt::format("{}.{}.{}", options.group, instance, shard);
}

Duration TransactionTimeout(const KafkaOptions& options) {
  return DurationProperty(options, "transaction.timeout.ms", DefaultTransactionTimeout(options));
}

absl::Status KafkaClient::MakeProducer() {
  auto conf = MakeKafkaConf(options_, ProducerProperties(options_, shard_));
  if (!conf.ok()) return conf.status();
  max_record_bytes_ = ParseNumber(KafkaProperty(conf->get(), "message.max.bytes"), 1'000'000);
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    static_cast<KafkaClient*>(self)->OnDelivery(*message);
  });
  requests_.Install(conf->get());
  auto producer = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  producer_ready_ = false;
  unacknowledged_bytes_ = 0;
  delivery_failure_ = absl::OkStatus();
  return absl::OkStatus();
}

void KafkaClient::OnDelivery(const rd_kafka_message_t& message) {
  unacknowledged_bytes_ -= message.len;
  const rd_kafka_resp_err_t error = message.err;
  const bool purged = error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || purged || !delivery_failure_.ok()) return;
  const std::string topic = message.rkt ? rd_kafka_topic_name(message.rkt) : "?";
  if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
    delivery_failure_ = absl::FailedPreconditionError(
        fmt::format("the topic {} refuses a record of {} bytes: raise its max.message.bytes to more than {}, or set "
                    "`message.max.bytes` in [kafka.properties] to what it takes",
                    topic, message.len, max_record_bytes_));
    return;
  }
  delivery_failure_ = KafkaStatus("writing to " + topic, error, rd_kafka_err2str(error));
  if (absl::IsUnavailable(delivery_failure_)) {
    delivery_failure_ = absl::AbortedError(std::string(delivery_failure_.message()));
  }
}

// What is not a matter of rights or settings costs the transaction.
absl::Status KafkaClient::TransactionFailure(const std::string& doing, KafkaError error) {
  if (!delivery_failure_.ok()) return delivery_failure_;
  const absl::Status status = KafkaStatus(doing, rd_kafka_error_code(error.get()), rd_kafka_error_string(error.get()));
  return absl::IsUnavailable(status) ? absl::AbortedError(std::string(status.message())) : status;
}

// Where a topic's partitions are, librdkafka asks by itself up to a second after the first record for it, and the
// commit waits. Asked for here, it is known long before. While we hold the topics, it stays known.
void KafkaClient::AskForOutputTopics() {
  for (const std::string& topic :
       {StateTopic(options_), options_.sessions_topic, options_.late_topic, options_.dead_letters_topic}) {
    output_topics_.emplace_back(rd_kafka_topic_new(producer_.get(), topic.c_str(), nullptr));
  }
}

void KafkaClient::DropProducer() {
  if (!producer_) return;
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  output_topics_.clear();
  producer_.reset();
}

absl::Status KafkaClient::RestartProducer() {
  if (producer_ready_) DropProducer();
  if (!producer_) {
    const absl::Status made = MakeProducer();
    if (!made.ok()) return made;
  }
  const KafkaError error(rd_kafka_init_transactions(producer_.get(), kInitTimeoutMs));
  if (!error) {
    producer_ready_ = true;
    AskForOutputTopics();
    NoteBrokersBack();
    return absl::OkStatus();
  }
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
  const absl::Status status =
      KafkaStatus("starting a transactional producer", code, rd_kafka_error_string(error.get()));
  if (rd_kafka_error_is_retriable(error.get()) == 0) producer_.reset();  // the next call makes another
  return status;
}

absl::Status KafkaClient::BeginTransaction() {
  delivery_failure_ = absl::OkStatus();
  KafkaError error(rd_kafka_begin_transaction(producer_.get()));
  return error ? TransactionFailure("beginning a transaction", std::move(error)) : absl::OkStatus();
}

absl::Status KafkaClient::Write(const OutputRecord& record) {
  for (int waits = 0;; ++waits) {
    KafkaError error = Produce(producer_.get(), record);
    if (!error) {
      unacknowledged_bytes_ += record.value ? record.value->size() : 0;
      return absl::OkStatus();
    }
    const bool full = rd_kafka_error_code(error.get()) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (!full || waits == kQueueFullWaits) {
      return TransactionFailure(fmt::format("writing to {}", record.topic), std::move(error));
    }
    rd_kafka_poll(producer_.get(), kQueueFullWaitMs);
  }
}

uint64_t KafkaClient::UnacknowledgedBytes() {
  rd_kafka_poll(producer_.get(), 0);
  return unacknowledged_bytes_;
}

// Without a member id the broker would not fence us, and lost partitions are somebody else's already.
absl::StatusOr<KafkaGroupMetadata> KafkaClient::GroupMetadata() const {
  if (!is_member_) return KafkaGroupMetadata(rd_kafka_consumer_group_metadata_new(options_.group.c_str()));
  const std::unique_ptr<char, decltype([](char* id) { rd_kafka_mem_free(nullptr, id); })> member(
      rd_kafka_memberid(consumer_.get()));
  if (!member || *member == '\0' || rd_kafka_assignment_lost(consumer_.get()) != 0) {
    return absl::AbortedError("the group has taken the partitions away");
  }
  return KafkaGroupMetadata(rd_kafka_consumer_group_metadata(consumer_.get()));
}

absl::Status KafkaClient::SendOffsets(std::span<const CommittedOffset> offsets) {
  const auto group = GroupMetadata();
  if (!group.ok()) return group.status();
  const KafkaPartitions list = PartitionList({});
  for (const CommittedOffset& offset : offsets) {
    rd_kafka_topic_partition_t* element =
        rd_kafka_topic_partition_list_add(list.get(), options_.events_topic.c_str(), offset.partition.value);
    element->offset = offset.offset->value;
    element->metadata = rd_kafka_mem_malloc(nullptr, offset.metadata.size());
    offset.metadata.copy(static_cast<char*>(element->metadata), offset.metadata.size());
    element->metadata_size = offset.metadata.size();
  }
  requests_.Forget();
  const MonotonicTime start = Now();
  for (;;) {
    KafkaError error(rd_kafka_send_offsets_to_transaction(producer_.get(), list.get(), group->get(), -1));
    if (!error) return absl::OkStatus();
    const bool again = rd_kafka_error_is_retriable(error.get()) != 0 && Since(start) < kDoubtfulAfter;
    if (!again) return TransactionFailure("sending the offsets", std::move(error));
  }
}

absl::Status KafkaClient::CommitTransaction() {
  const MonotonicTime start = Now();
  for (;;) {
    KafkaError error(rd_kafka_commit_transaction(producer_.get(), -1));
    if (!error) break;
    const bool again = rd_kafka_error_is_retriable(error.get()) != 0 && Since(start) < kDoubtfulAfter;
    if (!again) return TransactionFailure("committing", std::move(error));
  }
  // The one without an answer may still reach the broker, and end the next transaction before its time
  // (confluentinc/librdkafka#5423): not that of a new producer.
  if (!requests_.all_answered()) {
    return absl::AbortedError("a request of the commit had no answer and was sent again: the commit is in doubt");
  }
  NoteBrokersBack();
  return absl::OkStatus();
}

}  // namespace tidemark
