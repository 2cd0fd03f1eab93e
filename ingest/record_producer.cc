#include "ingest/record_producer.h"

#include <string>

namespace tidemark {
namespace {

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

}  // namespace

void AddProducerSettings(KafkaProperties& ours) {
  ours.emplace_back("queue.buffering.max.messages", "100000");
  ours.emplace_back("queue.buffering.max.kbytes", "65536");
  // As much as a topic takes if nobody set its max.message.bytes (1,048,588), less a little.
  ours.emplace_back("message.max.bytes", "1048500");
  // Under idempotence librdkafka has one request of a partition on its way, and as long as it has and another batch is
  // ready, its thread asks again and again without waiting (bench/README.md). So a batch may take its time. A commit
  // does not wait for it: it sends what there is.
  ours.emplace_back("linger.ms", "200");
  ours.emplace_back("partitioner", "murmur2_random");  // as Java's producers spread keys
}

KafkaError Produce(rd_kafka_t* producer, const OutputRecord& record) {
  const std::string topic(record.topic);
  KafkaHeaders headers = ToKafkaHeaders(record.headers);
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
  if (!error) static_cast<void>(headers.release());  // they are the producer's now
  return error;
}

}  // namespace tidemark
