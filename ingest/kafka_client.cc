#include "ingest/kafka_client.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kSessionTimeout = Seconds(30);
constexpr Duration kTransactionTimeout = Seconds(15);
constexpr size_t kBatchRecords = 1000;
constexpr int kQueryTimeoutMs = 5'000;
constexpr int kEndOffsetsTimeoutMs = 2'000;
constexpr int kProbeTimeoutMs = 500;
constexpr Duration kProbeInterval = Seconds(1);
constexpr int kQueueFullWaitMs = 100;
constexpr int kQueueFullWaits = 100;  // together less than the transaction's time-out
// What takes longer leaves the transaction in doubt: a late answer to this one could end the next one.
constexpr Duration kDoubtfulAfter = Seconds(5);
// Longer than two members with the same name need to fence each other twice: joining, and a heartbeat.
constexpr Duration kTwinsTakeTurnsWithin = Seconds(20);

MonotonicTime Now() { return SystemClock().Now(); }

Duration Since(MonotonicTime start) { return Now() - start; }

KafkaProperties ConsumerProperties(const KafkaOptions& options, uint32_t shard) {
  return {{"client.id", fmt::format("tidemark-{}", MemberId(options, shard))},
          {"group.id", options.group},
          {"group.instance.id", MemberId(options, shard)},
          {"partition.assignment.strategy", "range"},
          {"isolation.level", "read_committed"},
          {"auto.offset.reset", "error"},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "true"},
          {"allow.auto.create.topics", "false"},
          {"session.timeout.ms", std::to_string(kSessionTimeout.ms)},
          {"fetch.max.bytes", "8388608"},
          {"queued.max.messages.kbytes", "32768"}};
}

KafkaProperties ProducerProperties(const KafkaOptions& options, uint32_t shard) {
  return {{"client.id", fmt::format("tidemark-{}", MemberId(options, shard))},
          {"transactional.id", TransactionalId(options, shard)},
          {"transaction.timeout.ms", std::to_string(kTransactionTimeout.ms)},
          {"queue.buffering.max.messages", "100000"},
          {"queue.buffering.max.kbytes", "65536"},
          {"partitioner", "murmur2_random"}};  // as Java's producers spread keys
}

uint64_t ParseNumber(const std::string& text, uint64_t otherwise) {
  uint64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A property in milliseconds, as the user or else we set it.
Duration DurationProperty(const KafkaOptions& options, const std::string& name, Duration ours) {
  const auto found = options.properties.find(name);
  if (found == options.properties.end()) return ours;
  return Milliseconds(static_cast<int64_t>(ParseNumber(found->second, static_cast<uint64_t>(ours.ms))));
}

std::optional<std::string_view> View(const void* data, size_t size) {
  return data ? std::optional(std::string_view(static_cast<const char*>(data), size)) : std::nullopt;
}

InputRecord ToInputRecord(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t timestamp = rd_kafka_message_timestamp(&message, &type);
  InputRecord input;
  input.partition = {message.partition};
  input.record.value = std::string_view(static_cast<const char*>(message.payload), message.len);
  input.record.offset = {message.offset};
  input.record.timestamp = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? kAfterAllTime : EventTime{timestamp};
  input.key = View(message.key, message.key_len);
  input.native = &message;
  return input;
}

using KafkaHeaders = std::unique_ptr<rd_kafka_headers_t, KafkaDeleter<rd_kafka_headers_destroy>>;

KafkaHeaders ToKafkaHeaders(std::span<const RecordHeader> headers) {
  KafkaHeaders result(rd_kafka_headers_new(headers.size()));
  for (const RecordHeader& header : headers) {
    rd_kafka_header_add(result.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                        header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  return result;
}

// Hands a record to the producer, which copies it. The headers are the producer's once it has taken them.
KafkaError Produce(rd_kafka_t* producer, const std::string& topic, const OutputRecord& record, KafkaHeaders& headers) {
  rd_kafka_vu_t fields[7] = {};
  size_t count = 0;
  fields[count].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[count++].u.cstr = topic.c_str();
  fields[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[count++].u.i = RD_KAFKA_MSG_F_COPY;
  if (record.partition) {
    fields[count].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[count++].u.i32 = record.partition->value;
  }
  if (record.key) {
    fields[count].vtype = RD_KAFKA_VTYPE_KEY;
    fields[count].u.mem = {const_cast<char*>(record.key->data()), record.key->size()};
    ++count;
  }
  if (record.value) {
    fields[count].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[count].u.mem = {const_cast<char*>(record.value->data()), record.value->size()};
    ++count;
  }
  fields[count].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[count++].u.headers = headers.get();
  KafkaError error(rd_kafka_produceva(producer, fields, count));
  if (!error) static_cast<void>(headers.release());
  return error;
}

}  // namespace

std::string MemberId(const KafkaOptions& options, uint32_t shard) {
  return fmt::format("{}-{}", options.instance_id, shard);
}

std::string TransactionalId(const KafkaOptions& options, uint32_t shard) {
  return fmt::format("{}.{}.{}", options.group, options.instance_id, shard);
}

Duration TransactionTimeout(const KafkaOptions& options) {
  return DurationProperty(options, "transaction.timeout.ms", kTransactionTimeout);
}

Duration SessionTimeout(const KafkaOptions& options) {
  return DurationProperty(options, "session.timeout.ms", kSessionTimeout);
}

absl::StatusOr<std::unique_ptr<KafkaClient>> KafkaClient::Create(const KafkaOptions& options, uint32_t shard) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(options, shard));
  absl::Status status = client->MakeConsumer();
  if (status.ok()) status = client->Join();
  if (status.ok()) status = client->MakeProducer();
  if (!status.ok()) return status;
  auto state = KafkaState::Create(options, shard);
  if (!state.ok()) return state.status();
  client->state_ = *std::move(state);
  return client;
}

absl::StatusOr<std::unique_ptr<KafkaClient>> KafkaClient::CreateOutsideTheGroup(const KafkaOptions& options) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(options, 0));
  client->is_member_ = false;
  absl::Status status = client->MakeConsumer();
  if (status.ok()) status = client->MakeProducer();
  if (!status.ok()) return status;
  auto state = KafkaState::Create(options, 0);
  if (!state.ok()) return state.status();
  client->state_ = *std::move(state);
  return client;
}

KafkaClient::~KafkaClient() { KafkaClient::Close(); }

absl::Status KafkaClient::MakeConsumer() {
  auto conf = MakeKafkaConf(options_, ConsumerProperties(options_, shard_));
  if (!conf.ok()) return conf.status();
  if (KafkaProperty(conf->get(), "auto.offset.reset") != "error") {
    return absl::FailedPreconditionError("auto.offset.reset must stay `error`: an offset is never guessed");
  }
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_rebalance_cb(
      conf->get(), [](rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions, void* self) {
        static_cast<KafkaClient*>(self)->OnRebalance(code, partitions);
      });
  auto consumer = MakeKafkaClient(RD_KAFKA_CONSUMER, *std::move(conf));
  if (!consumer.ok()) return consumer.status();
  consumer_ = *std::move(consumer);
  rd_kafka_poll_set_consumer(consumer_.get());
  queue_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  messages_.reserve(kBatchRecords);
  return absl::OkStatus();
}

absl::Status KafkaClient::Join() {
  const KafkaPartitions topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), options_.events_topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer_.get(), topics.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("cannot subscribe to the topic {}: {}", options_.events_topic, rd_kafka_err2str(error)));
}

// ---- reading

void KafkaClient::OnRebalance(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t* partitions) {
  const bool assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  if (closing_ || (!assigned && code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)) {
    rd_kafka_assign(consumer_.get(), nullptr);
    return;
  }
  pending_change_ = assigned                                         ? AssignmentChange::kAssigned
                    : rd_kafka_assignment_lost(consumer_.get()) != 0 ? AssignmentChange::kLost
                                                                     : AssignmentChange::kRevoked;
  pending_partitions_.clear();
  for (int i = 0; i < partitions->cnt; ++i) pending_partitions_.push_back({partitions->elems[i].partition});
  rd_kafka_yield(consumer_.get());  // the shard is to hear of it now
}

void KafkaClient::DropMessages() {
  for (rd_kafka_message_t* message : messages_) rd_kafka_message_destroy(message);
  messages_.clear();
}

absl::Status KafkaClient::Poll(Duration timeout, PollResult& result) {
  result.Clear();
  DropMessages();
  AskWhetherBack();
  if (producer_) rd_kafka_poll(producer_.get(), 0);
  result.assignment_epoch = assignment_epoch_;

  // Waiting for a full batch would make a slow topic wait for the time-out each time: wait for one, take the rest.
  messages_.resize(kBatchRecords);
  ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), static_cast<int>(timeout.ms), messages_.data(), 1);
  if (count == 1 && pending_change_ == AssignmentChange::kNone) {
    const ssize_t more = rd_kafka_consume_batch_queue(queue_.get(), 0, messages_.data() + 1, kBatchRecords - 1);
    if (more > 0) count += more;
  }
  messages_.resize(count > 0 ? static_cast<size_t>(count) : 0);

  absl::Status status = ConsumerFailure();
  if (!status.ok()) return JoinAnewIfFenced(status, result);
  for (const rd_kafka_message_t* message : messages_) {
    if (status.ok()) status = TakeMessage(*message, result);
  }
  result.change = std::exchange(pending_change_, AssignmentChange::kNone);
  result.partitions = std::exchange(pending_partitions_, {});
  return status;
}

absl::Status KafkaClient::TakeMessage(const rd_kafka_message_t& message, PollResult& result) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      result.records.push_back(ToInputRecord(message));
      NoteBrokersBack();
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      result.ends.push_back({{message.partition}, {message.offset}});
      NoteBrokersBack();
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      result.errors.push_back({{message.partition}, rd_kafka_message_errstr(&message)});
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__FATAL:
      return ConsumerFailure();
    default:
      break;
  }
  const absl::Status status =
      KafkaStatus("reading " + options_.events_topic, message.err, rd_kafka_message_errstr(&message));
  if (!absl::IsUnavailable(status)) return status;
  Log(LogLevel::kWarn, "read_error", "the broker answered with an error; trying again",
      {{"shard", shard_}, {"topic", options_.events_topic}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

// A consumer with a fatal error is of no use any more; a fenced static member is the one known case.
absl::Status KafkaClient::ConsumerFailure() {
  char text[512] = {};
  const rd_kafka_resp_err_t code = rd_kafka_fatal_error(consumer_.get(), text, sizeof text);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  const std::string doing = fmt::format("group member {}", MemberId(options_, shard_));
  const absl::Status status = KafkaStatus(doing, code, text);
  return absl::IsUnavailable(status) ? absl::InternalError(std::string(status.message())) : status;
}

// After a time-out of its session a static member may be fenced by nobody but its own last request to join, whose
// answer it never got (confluentinc/librdkafka#3437). So it joins once more. Two processes with one name take turns at
// fencing each other: the first that is fenced twice within a short time ends.
absl::Status KafkaClient::JoinAnewIfFenced(const absl::Status& failure, PollResult& result) {
  const bool fenced = rd_kafka_fatal_error(consumer_.get(), nullptr, 0) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
  if (!fenced || (fenced_at_ && Since(*fenced_at_) < kTwinsTakeTurnsWithin)) return failure;
  fenced_at_ = Now();
  Log(LogLevel::kWarn, "fenced_once", "the group does not know this member any more; joining again",
      {{"shard", shard_}}, "if it happens again: look for another process with this kafka.instance_id");
  DropMessages();
  queue_.reset();
  rd_kafka_destroy_flags(consumer_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  pending_partitions_.clear();
  pending_change_ = AssignmentChange::kNone;
  result.Clear();
  result.change = AssignmentChange::kLost;
  const absl::Status made = MakeConsumer();
  return made.ok() ? Join() : made;
}

// While the brokers are away nothing else might be under way that would show that they are back.
void KafkaClient::AskWhetherBack() {
  if (!BrokersAway() || (asked_whether_back_ && Since(*asked_whether_back_) < kProbeInterval)) return;
  asked_whether_back_ = Now();
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(consumer_.get(), 0, nullptr, &metadata, kProbeTimeoutMs) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_metadata_destroy(metadata);
    NoteBrokersBack();
  }
}

std::span<const RecordHeader> KafkaClient::Headers(const InputRecord& record) {
  headers_.clear();
  rd_kafka_headers_t* headers = nullptr;
  const auto* message = static_cast<const rd_kafka_message_t*>(record.native);
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (rd_kafka_header_get_all(headers, headers_.size(), &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    headers_.push_back({name, View(value, size)});
  }
  return headers_;
}

KafkaPartitions KafkaClient::PartitionList(std::span<const PartitionId> partitions) const {
  KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const PartitionId partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), options_.events_topic.c_str(), partition.value);
  }
  return list;
}

absl::StatusOr<uint64_t> KafkaClient::Assign(std::span<const PartitionStart> starts) {
  const KafkaPartitions list = PartitionList({});
  for (const PartitionStart& start : starts) {
    rd_kafka_topic_partition_list_add(list.get(), options_.events_topic.c_str(), start.partition.value)->offset =
        start.offset.value;
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(consumer_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("beginning to read " + options_.events_topic, error, rd_kafka_err2str(error));
  }
  return ++assignment_epoch_;
}

uint64_t KafkaClient::Unassign() {
  rd_kafka_assign(consumer_.get(), nullptr);
  return ++assignment_epoch_;
}

absl::StatusOr<std::vector<CommittedOffset>> KafkaClient::Committed(std::span<const PartitionId> partitions) {
  const KafkaPartitions list = PartitionList(partitions);
  rd_kafka_resp_err_t error = rd_kafka_committed(consumer_.get(), list.get(), kQueryTimeoutMs);
  std::vector<CommittedOffset> result;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& element = list->elems[i];
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = element.err;
    CommittedOffset committed{{element.partition}, std::nullopt, {}};
    if (element.offset >= 0) committed.offset = Offset{element.offset};
    if (element.metadata) {
      committed.metadata.assign(static_cast<const char*>(element.metadata), element.metadata_size);
    }
    result.push_back(std::move(committed));
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("reading the committed offsets of group " + options_.group, error, rd_kafka_err2str(error));
  }
  NoteBrokersBack();
  return result;
}

absl::StatusOr<Offset> KafkaClient::FirstOffset(PartitionId partition) {
  int64_t first = 0;
  int64_t end = 0;
  const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(consumer_.get(), options_.events_topic.c_str(),
                                                                     partition.value, &first, &end, kQueryTimeoutMs);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Offset{first};
  return KafkaStatus("reading the first offset of " + options_.events_topic, error, rd_kafka_err2str(error));
}

std::vector<std::optional<Offset>> KafkaClient::EndOffsets(std::span<const PartitionId> partitions) {
  std::vector<std::optional<Offset>> ends(partitions.size());
  const KafkaPartitions list = PartitionList(partitions);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = RD_KAFKA_OFFSET_END;
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(consumer_.get(), list.get(), kEndOffsetsTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return ends;
  for (size_t i = 0; i < partitions.size(); ++i) {
    const rd_kafka_topic_partition_t& element = list->elems[i];
    if (element.err == RD_KAFKA_RESP_ERR_NO_ERROR && element.offset >= 0) ends[i] = Offset{element.offset};
  }
  return ends;
}

std::optional<Offset> KafkaClient::CachedEnd(PartitionId partition) {
  int64_t first = RD_KAFKA_OFFSET_INVALID;
  int64_t end = RD_KAFKA_OFFSET_INVALID;
  rd_kafka_get_watermark_offsets(consumer_.get(), options_.events_topic.c_str(), partition.value, &first, &end);
  return end >= 0 ? std::optional(Offset{end}) : std::nullopt;
}

// ---- writing

absl::Status KafkaClient::MakeProducer() {
  auto conf = MakeKafkaConf(options_, ProducerProperties(options_, shard_));
  if (!conf.ok()) return conf.status();
  max_record_bytes_ = ParseNumber(KafkaProperty(conf->get(), "message.max.bytes"), 1'000'000);
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    static_cast<KafkaClient*>(self)->OnDelivery(*message);
  });
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t* producer, int code, const char* reason, void* self) {
    static_cast<KafkaClient*>(self)->connection_broke_ = true;
    NoteClientError(producer, code, reason);
  });
  auto producer = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  producer_ready_ = false;
  delivery_failure_ = absl::OkStatus();
  return absl::OkStatus();
}

void KafkaClient::OnDelivery(const rd_kafka_message_t& message) {
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

absl::Status KafkaClient::RestartProducer() {
  if (producer_ready_) {
    rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    producer_.reset();
  }
  if (!producer_) {
    const absl::Status made = MakeProducer();
    if (!made.ok()) return made;
  }
  const KafkaError error(rd_kafka_init_transactions(producer_.get(), kQueryTimeoutMs));
  if (!error) {
    producer_ready_ = true;
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
  const std::string topic(record.topic);
  KafkaHeaders headers = ToKafkaHeaders(record.headers);
  for (int waits = 0;; ++waits) {
    KafkaError error = Produce(producer_.get(), topic, record, headers);
    if (!error) return absl::OkStatus();
    const bool full = rd_kafka_error_code(error.get()) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (!full || waits == kQueueFullWaits) return TransactionFailure("writing to " + topic, std::move(error));
    rd_kafka_poll(producer_.get(), kQueueFullWaitMs);
  }
}

absl::StatusOr<int> KafkaClient::GroupMembers() {
  const rd_kafka_group_list* groups = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_list_groups(consumer_.get(), options_.group.c_str(), &groups, kQueryTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("looking at the group " + options_.group, error, rd_kafka_err2str(error));
  }
  const int members = groups->group_cnt == 1 ? groups->groups[0].member_cnt : 0;
  rd_kafka_group_list_destroy(groups);
  return members;
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
  rd_kafka_poll(producer_.get(), 0);
  connection_broke_ = false;
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
  rd_kafka_poll(producer_.get(), 0);  // to hear of errors
  // A request that was on the broken connection was sent again. The first one may still reach the broker, and end the
  // next transaction before its time (confluentinc/librdkafka#5423): not that of a new producer.
  if (connection_broke_) return absl::AbortedError("a connection broke during the commit, which is in doubt now");
  NoteBrokersBack();
  return absl::OkStatus();
}

void KafkaClient::Close() {
  if (closing_) return;
  closing_ = true;
  DropMessages();
  state_.reset();
  if (producer_) {
    rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    producer_.reset();
  }
  if (consumer_) {
    rd_kafka_assign(consumer_.get(), nullptr);  // answers a rebalance that the shard has not
    rd_kafka_consumer_close(consumer_.get());
    queue_.reset();
    consumer_.reset();
  }
}

}  // namespace tidemark
