#include "ingest/kafka_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kSessionTimeout = Seconds(30);
constexpr size_t kBatchRecords = 1000;
constexpr int kQueryTimeoutMs = 5'000;
// A broker answers one request of a connection after the other, and a fetch that finds nothing after this long. So the
// shard waits as long for the end of a quiet partition that it asks for while others have records at other brokers.
constexpr Duration kFetchWait = Milliseconds(100);
constexpr Duration kEndOffsetsTimeout = Seconds(2);
constexpr Duration kSilentTimeout = Milliseconds(500);
constexpr Duration kAskSilentEvery = Seconds(5);
constexpr int kProbeTimeoutMs = 500;
constexpr Duration kProbeInterval = Seconds(1);
// Longer than two members with the same name need to fence each other twice: joining, and a heartbeat.
constexpr Duration kTwinsTakeTurnsWithin = Seconds(20);

MonotonicTime Now() { return SystemClock().Now(); }

Duration Since(MonotonicTime start) { return Now() - start; }

KafkaProperties ConsumerProperties(const KafkaOptions& options, uint32_t shard) {
  KafkaProperties ours = {{"client.id", fmt::format("tidemark-{}", MemberId(options, shard))},
                          {"group.id", options.group},
                          {"group.instance.id", MemberId(options, shard)},
                          {"partition.assignment.strategy", "range"},
                          {"isolation.level", "read_committed"},
                          {"auto.offset.reset", "error"},
                          {"enable.auto.commit", "false"},
                          {"enable.auto.offset.store", "false"},
                          {"enable.partition.eof", "true"},
                          {"fetch.wait.max.ms", std::to_string(kFetchWait.ms)},
                          {"session.timeout.ms", std::to_string(kSessionTimeout.ms)}};
  BatchConsumer::AddReadAhead(options, ours);
  return ours;
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
  const bool has_time = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && timestamp >= 0;  // -1 is Kafka's "none"
  input.record.timestamp = has_time ? std::min(EventTime{timestamp}, kAfterAllTime) : kAfterAllTime;
  input.key = View(message.key, message.key_len);
  input.native = &message;
  return input;
}

}  // namespace

std::string MemberId(const KafkaOptions& options, uint32_t shard) {
  return fmt::format("{}-{}", options.instance_id, shard);
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

absl::Status KafkaClient::CheckSettings(KafkaOptions options) {
  options.brokers.clear();
  return CreateOutsideTheGroup(options).status();
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
  return consumer_.Open(*std::move(conf));
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
    consumer_.Assign(nullptr);
    return;
  }
  pending_change_ = assigned                                         ? AssignmentChange::kAssigned
                    : rd_kafka_assignment_lost(consumer_.get()) != 0 ? AssignmentChange::kLost
                                                                     : AssignmentChange::kRevoked;
  pending_partitions_.clear();
  for (int i = 0; i < partitions->cnt; ++i) pending_partitions_.push_back({partitions->elems[i].partition});
}

absl::Status KafkaClient::Poll(Duration timeout, PollResult& result) {
  result.Clear();
  AskWhetherBack();
  if (producer_) rd_kafka_poll(producer_.get(), 0);
  if (state_) state_->ServeIdle();
  result.assignment_epoch = assignment_epoch_;

  const auto messages = consumer_.Next(timeout, kBatchRecords);
  absl::Status status = ConsumerFailure();
  if (!status.ok()) return JoinAnewIfFenced(status, result);
  for (const rd_kafka_message_t* message : messages) {
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
  consumer_.Abandon();
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
  const rd_kafka_resp_err_t error = consumer_.Assign(list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("beginning to read " + options_.events_topic, error, rd_kafka_err2str(error));
  }
  return ++assignment_epoch_;
}

uint64_t KafkaClient::Unassign() {
  consumer_.Assign(nullptr);
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
  const auto first =
      QueryOffset(consumer_.get(), options_.events_topic, partition.value, RD_KAFKA_OFFSET_BEGINNING, kQueryTimeoutMs);
  return first.ok() ? absl::StatusOr<Offset>(Offset{*first}) : first.status();
}

// librdkafka answers for all of them or for none: one leader that is away would leave all without an answer, each time
// after the whole time-out. So where some do not answer, each leader is asked by itself, and the partitions of those
// that still do not are left out until it is time to ask them again.
std::vector<std::optional<Offset>> KafkaClient::EndOffsets(std::span<const PartitionId> partitions) {
  Ends ends;
  std::vector<PartitionId> together;
  std::vector<PartitionId> silent;
  for (const PartitionId partition : partitions) (silent_.contains(partition) ? silent : together).push_back(partition);
  if (!together.empty() && !AskEnds(together, kEndOffsetsTimeout, ends)) {
    AskByLeader(together, ends);
  } else if (!silent.empty() && Since(asked_silent_) >= kAskSilentEvery) {
    silent_.clear();
    AskByLeader(silent, ends);
  }
  std::vector<std::optional<Offset>> result;
  for (const PartitionId partition : partitions) {
    const auto found = ends.find(partition);
    result.push_back(found == ends.end() ? std::nullopt : std::optional(found->second));
  }
  return result;
}

// Adds to `ends` what the leaders say. False: some did not answer, and then nothing is added.
bool KafkaClient::AskEnds(std::span<const PartitionId> partitions, Duration timeout, Ends& ends) {
  const KafkaPartitions list = PartitionList(partitions);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = RD_KAFKA_OFFSET_END;
  const rd_kafka_resp_err_t error =
      rd_kafka_offsets_for_times(consumer_.get(), list.get(), static_cast<int>(timeout.ms));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& element = list->elems[i];
    if (element.err == RD_KAFKA_RESP_ERR_NO_ERROR && element.offset >= 0) {
      ends.insert_or_assign(PartitionId{element.partition}, Offset{element.offset});
    }
  }
  return true;
}

// Begins with no leader after two seconds: the partitions of those are silent, too.
void KafkaClient::AskByLeader(std::span<const PartitionId> partitions, Ends& ends) {
  asked_silent_ = Now();
  const Duration patience = DurationProperty(options_, "fetch.wait.max.ms", kFetchWait) + kSilentTimeout;
  for (const auto& [leader, led] : ByLeader(partitions)) {
    const bool in_time = Since(asked_silent_) < kEndOffsetsTimeout;
    if (!in_time || !AskEnds(led, patience, ends)) silent_.insert(led.begin(), led.end());
  }
}

// As any broker sees it; all together where none answers.
std::map<int32_t, std::vector<PartitionId>> KafkaClient::ByLeader(std::span<const PartitionId> partitions) {
  const KafkaTopic topic(rd_kafka_topic_new(consumer_.get(), options_.events_topic.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  rd_kafka_metadata(consumer_.get(), 0, topic.get(), &raw, kProbeTimeoutMs);
  const KafkaMetadata metadata(raw);
  std::map<PartitionId, int32_t> leaders;
  for (int i = 0; metadata && metadata->topic_cnt == 1 && i < metadata->topics[0].partition_cnt; ++i) {
    const rd_kafka_metadata_partition_t& partition = metadata->topics[0].partitions[i];
    leaders.emplace(PartitionId{partition.id}, partition.leader);
  }
  std::map<int32_t, std::vector<PartitionId>> led;
  for (const PartitionId partition : partitions) {
    const auto leader = leaders.find(partition);
    led[leader == leaders.end() ? -1 : leader->second].push_back(partition);
  }
  return led;
}

std::optional<Offset> KafkaClient::CachedEnd(PartitionId partition) {
  if (consumer_.get() == nullptr) return std::nullopt;  // it could not join anew
  int64_t first = RD_KAFKA_OFFSET_INVALID;
  int64_t end = RD_KAFKA_OFFSET_INVALID;
  rd_kafka_get_watermark_offsets(consumer_.get(), options_.events_topic.c_str(), partition.value, &first, &end);
  return end >= 0 ? std::optional(Offset{end}) : std::nullopt;
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

void KafkaClient::Close() {
  if (closing_) return;
  closing_ = true;
  state_.reset();
  DropProducer();
  consumer_.Close();
}

}  // namespace tidemark
