#include "ingest/topic_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {

constexpr int kMetadataTimeoutMs = 5'000;
constexpr size_t kMaxRecordsPerRead = 10'000;

std::optional<std::string_view> View(const void* data, size_t size) {
  return data ? std::optional(std::string_view(static_cast<const char*>(data), size)) : std::nullopt;
}

ReadRecord ToReadRecord(const rd_kafka_message_t& message) {
  ReadRecord record{rd_kafka_topic_name(message.rkt),
                    {message.partition},
                    {message.offset},
                    View(message.key, message.key_len),
                    View(message.payload, message.len),
                    {}};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    record.headers[name] = View(value, size).value_or(std::string_view());
  }
  return record;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TopicReader>> TopicReader::Open(const KafkaOptions& options,
                                                               const std::vector<std::string>& topics) {
  auto conf = MakeKafkaConf(options, {{"client.id", "tidemark-reader"},
                                      {"group.id", options.group + "-reader"},  // never joined
                                      {"isolation.level", "read_committed"},
                                      {"enable.auto.commit", "false"},
                                      {"enable.auto.offset.store", "false"},
                                      {"allow.auto.create.topics", "false"}});
  if (!conf.ok()) return conf.status();
  auto consumer = MakeKafkaClient(RD_KAFKA_CONSUMER, *std::move(conf));
  if (!consumer.ok()) return consumer.status();
  std::unique_ptr<TopicReader> reader(new TopicReader);
  reader->consumer_ = *std::move(consumer);
  rd_kafka_poll_set_consumer(reader->consumer_.get());
  const absl::Status assigned = reader->Assign(options, topics);
  if (!assigned.ok()) return assigned;
  return reader;
}

absl::Status TopicReader::Assign(const KafkaOptions& options, const std::vector<std::string>& topics) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(consumer_.get(), 1, nullptr, &metadata, kMetadataTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("reading the topics at " + options.brokers, error, rd_kafka_err2str(error));
  }
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(0));
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    if (std::find(topics.begin(), topics.end(), topic.topic) == topics.end()) continue;
    for (int partition = 0; partition < topic.partition_cnt; ++partition) {
      rd_kafka_topic_partition_list_add(list.get(), topic.topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
  }
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_assign(consumer_.get(), list.get());
  return absl::OkStatus();
}

TopicReader::~TopicReader() { rd_kafka_consumer_close(consumer_.get()); }

size_t TopicReader::Read(Duration timeout, const std::function<void(const ReadRecord&)>& handle) {
  size_t count = 0;
  int wait_ms = static_cast<int>(timeout.ms);
  while (count < kMaxRecordsPerRead) {
    const KafkaMessage message(rd_kafka_consumer_poll(consumer_.get(), wait_ms));
    if (!message) break;
    wait_ms = 0;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    handle(ToReadRecord(*message));
    ++count;
  }
  return count;
}

}  // namespace tidemark
