#include "ingest/kafka_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ingest/kafka_client.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr size_t kBatchRecords = 256;
constexpr int kQueryTimeoutMs = 5'000;
// A broker answers one request of a connection after the other, and a fetch that finds nothing after this long. So what
// is asked meanwhile, such as where a partition ends, waits as long: a start without a state does that per partition.
constexpr char kFetchWaitMs[] = "10";
constexpr Duration kServeEvery = Seconds(1);
constexpr Duration kAskAgainAfter = Minutes(1);  // for partitions that were refused

using DeleteRecords = std::unique_ptr<rd_kafka_DeleteRecords_t, KafkaDeleter<rd_kafka_DeleteRecords_destroy>>;
using NewPartitions = std::unique_ptr<rd_kafka_NewPartitions_t, KafkaDeleter<rd_kafka_NewPartitions_destroy>>;

// What became of a request for more partitions. The admin API tells of one topic.
absl::Status AddingResult(rd_kafka_event_t* event, const std::string& doing) {
  if (event == nullptr) return absl::UnavailableError(doing + ": the brokers did not answer in time");
  rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaStatus(doing, error, rd_kafka_event_error_string(event));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count);
  error = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  if (error == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS) return absl::AlreadyExistsError(doing);  // another shard was first
  const char* text = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : nullptr;
  return KafkaStatus(doing, error, text ? text : rd_kafka_err2str(error));
}

// What became of a request to delete records: even where a broker was not reached, that is told of each partition only.
rd_kafka_resp_err_t TruncatingResult(rd_kafka_event_t* event) {
  rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  const rd_kafka_topic_partition_list_t* partitions =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
  for (int i = 0; i < partitions->cnt; ++i) {
    if (partitions->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) error = partitions->elems[i].err;
  }
  return error;
}

// It belongs to no group: `group.id` only has to be set for partitions to be assigned by hand.
KafkaProperties ConsumerProperties(const KafkaOptions& options, uint32_t shard) {
  KafkaProperties ours = {{"client.id", fmt::format("tidemark-{}-{}-state", options.instance_id, shard)},
                          {"group.id", options.group},
                          {"isolation.level", "read_committed"},
                          {"auto.offset.reset", "error"},
                          {"enable.auto.commit", "false"},
                          {"enable.auto.offset.store", "false"},
                          {"enable.partition.eof", "true"},
                          {"allow.auto.create.topics", "false"},
                          // no use, but librdkafka compares it with max.poll.interval.ms, which may be set
                          {"session.timeout.ms", std::to_string(SessionTimeout(options).ms)},
                          {"fetch.wait.max.ms", kFetchWaitMs},
                          {"fetch.message.max.bytes", "8388608"}};
  BatchConsumer::AddReadAhead(options, ours);
  return ours;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaState>> KafkaState::Create(const KafkaOptions& options, uint32_t shard) {
  std::unique_ptr<KafkaState> state(new KafkaState(options));
  const absl::Status started = state->Start(shard);
  if (!started.ok()) return started;
  return state;
}

absl::Status KafkaState::Start(uint32_t shard) {
  auto conf = MakeKafkaConf(options_, ConsumerProperties(options_, shard));
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t* consumer, int code, const char* reason, void* self) {
    // While it reads nothing it loses its connections as a matter of course.
    const bool idle = !static_cast<KafkaState*>(self)->reading_;
    if (!idle || code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) NoteClientError(consumer, code, reason);
  });
  const absl::Status opened = consumer_.Open(*std::move(conf));
  if (!opened.ok()) return opened;
  truncated_.reset(rd_kafka_queue_new(consumer_.get()));
  return absl::OkStatus();
}

// The events topic may get partitions at any time; the state topic, being tidemark's own, gets them too.
absl::Status KafkaState::EnsurePartitions(uint32_t needed) {
  if (needed <= partitions_) return absl::OkStatus();
  const KafkaTopic topic(rd_kafka_topic_new(consumer_.get(), topic_.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(consumer_.get(), 0, topic.get(), &raw, kQueryTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("looking at the topic " + topic_, error, rd_kafka_err2str(error));
  }
  const KafkaMetadata metadata(raw);
  const bool exists = metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (!exists) {
    return absl::UnavailableError(
        fmt::format("the topic {} does not exist; create it with `tidemark topics --create`", topic_));
  }
  partitions_ = static_cast<uint32_t>(metadata->topics[0].partition_cnt);
  if (needed <= partitions_) return absl::OkStatus();
  AddPartitions(needed);
  // They become visible a little later.
  return absl::UnavailableError(fmt::format("{} needs {} partitions, it has {}", topic_, needed, partitions_));
}

void KafkaState::AddPartitions(uint32_t needed) {
  const MonotonicTime now = SystemClock().Now();
  if (refused_at_ && now - *refused_at_ < kAskAgainAfter) return;
  std::array<char, 256> text{};
  const NewPartitions partitions(rd_kafka_NewPartitions_new(topic_.c_str(), needed, text.data(), text.size()));
  const KafkaAdminOptions admin(rd_kafka_AdminOptions_new(consumer_.get(), RD_KAFKA_ADMIN_OP_CREATEPARTITIONS));
  rd_kafka_AdminOptions_set_request_timeout(admin.get(), kQueryTimeoutMs, text.data(), text.size());
  const KafkaQueue queue(rd_kafka_queue_new(consumer_.get()));
  rd_kafka_NewPartitions_t* pointer = partitions.get();
  rd_kafka_CreatePartitions(consumer_.get(), &pointer, 1, admin.get(), queue.get());
  const KafkaEvent event(rd_kafka_queue_poll(queue.get(), 2 * kQueryTimeoutMs));
  const absl::Status added = AddingResult(event.get(), "adding partitions");
  if (added.ok()) {
    Log(LogLevel::kInfo, "state_partitions_added",
        "the events topic has more partitions: the state topic gets them, too",
        {{"topic", topic_}, {"partitions", needed}});
  } else if (!absl::IsAlreadyExists(added)) {
    refused_at_ = now;
    Log(LogLevel::kWarn, "state_partitions_refused",
        "the state topic is not given as many partitions as the events topic; partitions that are to begin work wait",
        {{"topic", topic_}, {"partitions", needed}, {"err", std::string(added.message())}},
        "give this user the right to alter the topic, or add the partitions yourself (kafka-topics.sh "
        "--bootstrap-server ... --alter)");
  }
}

absl::Status KafkaState::Read(std::span<const PartitionStart> starts) {
  reading_ = false;
  if (starts.empty()) {
    consumer_.Assign(nullptr);
    return absl::OkStatus();
  }
  uint32_t needed = 0;
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(starts.size())));
  for (const PartitionStart& start : starts) {
    needed = std::max(needed, static_cast<uint32_t>(start.partition.value) + 1);
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), start.partition.value)->offset =
        start.offset == kFirstRecord ? RD_KAFKA_OFFSET_BEGINNING : start.offset.value;
  }
  const absl::Status enough = EnsurePartitions(needed);
  if (!enough.ok()) return enough;
  const rd_kafka_resp_err_t error = consumer_.Assign(list.get());
  reading_ = error == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (reading_) return absl::OkStatus();
  return KafkaStatus("beginning to read " + topic_, error, rd_kafka_err2str(error));
}

absl::Status KafkaState::Poll(Duration timeout, StatePollResult& result) {
  result.Clear();
  absl::Status status;
  for (const rd_kafka_message_t* message : consumer_.Next(timeout, kBatchRecords)) {
    status.Update(TakeMessage(*message, result));
  }
  return status;
}

void KafkaState::ServeIdle() {
  const MonotonicTime now = SystemClock().Now();
  if (reading_ || (served_at_ && now - *served_at_ < kServeEvery)) return;
  served_at_ = now;
  consumer_.Next(Duration{0}, kBatchRecords);  // what was read before it stopped is of no use
}

// An error is one that librdkafka tells of once, and then tries again in silence.
absl::Status KafkaState::TakeMessage(const rd_kafka_message_t& message, StatePollResult& result) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      result.records.push_back(
          {{message.partition}, {message.offset}, {static_cast<const char*>(message.payload), message.len}});
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (IsEnd(message)) result.ends.push_back({{message.partition}, {message.offset}});
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      result.errors.push_back({{message.partition}, rd_kafka_message_errstr(&message)});
      return absl::OkStatus();
    default:
      break;
  }
  absl::Status status = KafkaStatus("reading " + topic_, message.err, rd_kafka_message_errstr(&message));
  if (absl::IsPermissionDenied(status)) return status;
  Log(LogLevel::kWarn, "read_error", "the broker answered with an error; trying again",
      {{"topic", topic_}, {"err", rd_kafka_message_errstr(&message)}});
  return absl::OkStatus();
}

// A reader of committed records is told of an end before the first open transaction. What lies behind is known from the
// fetch that said so, or a later one; when it is decided, there is another end.
bool KafkaState::IsEnd(const rd_kafka_message_t& message) const {
  int64_t first = 0;
  int64_t end = 0;
  rd_kafka_get_watermark_offsets(consumer_.get(), topic_.c_str(), message.partition, &first, &end);
  return end <= message.offset;
}

absl::StatusOr<Offset> KafkaState::End(PartitionId partition) {
  const auto end = QueryOffset(consumer_.get(), topic_, partition.value, RD_KAFKA_OFFSET_END, kQueryTimeoutMs);
  return end.ok() ? absl::StatusOr<Offset>(Offset{*end}) : end.status();
}

void KafkaState::Truncate(PartitionId partition, Offset before) {
  TakeTruncateResults();
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition.value)->offset = before.value;
  const DeleteRecords request(rd_kafka_DeleteRecords_new(list.get()));
  rd_kafka_DeleteRecords_t* pointer = request.get();
  rd_kafka_DeleteRecords(consumer_.get(), &pointer, 1, nullptr, truncated_.get());
}

// What could not be deleted now is deleted with the next snapshot.
void KafkaState::TakeTruncateResults() {
  while (const KafkaEvent event{rd_kafka_queue_poll(truncated_.get(), 0)}) {
    const rd_kafka_resp_err_t error = TruncatingResult(event.get());
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Log(LogLevel::kWarn, "state_not_truncated", "cannot delete what is no longer needed of the state topic",
        {{"topic", topic_}, {"err", rd_kafka_err2str(error)}},
        "allow tidemark to delete records of this topic; until then it grows");
  }
}

}  // namespace tidemark
