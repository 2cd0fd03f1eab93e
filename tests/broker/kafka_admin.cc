#include "tests/broker/kafka_admin.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/broker/child_process.h"

namespace tidemark::testing {
namespace {

constexpr int kRequestMs = 10'000;
constexpr int kFlushMs = 60'000;
constexpr std::chrono::seconds kCreateLimit{30};
constexpr std::chrono::seconds kReadLimit{120};

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Queue = std::unique_ptr<rd_kafka_queue_t, Deleter<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Deleter<rd_kafka_event_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Deleter<rd_kafka_NewTopic_destroy>>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, Deleter<rd_kafka_topic_partition_list_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Deleter<rd_kafka_message_destroy>>;

void ExpectNoError(rd_kafka_resp_err_t code, const std::string& doing) {
  EXPECT_EQ(code, RD_KAFKA_RESP_ERR_NO_ERROR) << doing << ": " << rd_kafka_err2str(code);
}

void ExpectSuccess(rd_kafka_error_t* error, const std::string& doing) {
  EXPECT_EQ(error, nullptr) << doing << ": " << rd_kafka_error_string(error);
  if (error != nullptr) rd_kafka_error_destroy(error);
}

// A broker that comes and goes is part of the tests: librdkafka's own lines would only hide what matters.
void DropLog(const rd_kafka_t*, int, const char*, const char*) {}

rd_kafka_AclBindingFilter_t* AllRules(const std::string& topic) {
  return rd_kafka_AclBindingFilter_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL,
                                       nullptr, nullptr, RD_KAFKA_ACL_OPERATION_ANY, RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
                                       nullptr, 0);
}

Partitions AllPartitions(const std::string& topic, int partitions, int64_t offset) {
  Partitions list(rd_kafka_topic_partition_list_new(partitions));
  for (int i = 0; i < partitions; ++i) rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), i)->offset = offset;
  return list;
}

std::optional<std::string> OptionalBytes(const void* bytes, size_t size) {
  return bytes == nullptr ? std::nullopt : std::optional(std::string(static_cast<const char*>(bytes), size));
}

std::vector<StoredHeader> HeadersOf(const rd_kafka_message_t& message) {
  std::vector<StoredHeader> stored;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return stored;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    stored.push_back({name, OptionalBytes(value, size)});
  }
  return stored;
}

rd_kafka_headers_t* NewHeaders(const std::vector<StoredHeader>& headers) {
  rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
  for (const StoredHeader& header : headers) {
    rd_kafka_header_add(list, header.name.c_str(), -1, header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  return list;
}

void* DataOf(const std::optional<std::string>& bytes) { return bytes ? const_cast<char*>(bytes->data()) : nullptr; }
size_t SizeOf(const std::optional<std::string>& bytes) { return bytes ? bytes->size() : 0; }

void ProduceOne(rd_kafka_t* producer, const std::string& topic, const StoredRecord& record) {
  rd_kafka_headers_t* headers = NewHeaders(record.headers);
  const rd_kafka_resp_err_t error =
      rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
                        RD_KAFKA_V_KEY(DataOf(record.key), SizeOf(record.key)),
                        RD_KAFKA_V_VALUE(DataOf(record.value), SizeOf(record.value)), RD_KAFKA_V_HEADERS(headers),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
  ExpectNoError(error, "produce to " + topic);
}

// A consumer that reads committed records only is told where the first open transaction begins.
std::vector<int64_t> EndsSeenBy(rd_kafka_t* client, const std::string& topic, int partitions) {
  std::vector<int64_t> ends;
  for (int i = 0; i < partitions; ++i) {
    int64_t first = 0, end = -1;
    ExpectNoError(rd_kafka_query_watermark_offsets(client, topic.c_str(), i, &first, &end, kRequestMs),
                  "end of " + topic);
    ends.push_back(end);
  }
  return ends;
}

void ExpectDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) { ExpectNoError(message->err, "delivery"); }

}  // namespace

std::string StoredRecord::Header(const std::string& name) const {
  for (const StoredHeader& header : headers) {
    if (header.name == name) return header.value.value_or("");
  }
  return "";
}

// The isolation level is for Ends: what there is, whether committed or not.
KafkaAdmin::KafkaAdmin(const std::string& address) : address_(address) {
  client_ = MakeClient(RD_KAFKA_PRODUCER, {{"isolation.level", "read_uncommitted"}});
}

KafkaAdmin::Client KafkaAdmin::MakeClient(rd_kafka_type_t type, const Properties& properties) const {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> error{};
  Properties all = {{"bootstrap.servers", address_}, {"reconnect.backoff.max.ms", "500"}};
  all.insert(all.end(), properties.begin(), properties.end());
  for (const auto& [name, value] : all) {
    EXPECT_EQ(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size()), RD_KAFKA_CONF_OK)
        << error.data();
  }
  rd_kafka_conf_set_log_cb(conf, DropLog);
  rd_kafka_conf_set_dr_msg_cb(conf, type == RD_KAFKA_PRODUCER ? ExpectDelivered : nullptr);
  return Client(rd_kafka_new(type, conf, error.data(), error.size()));
}

bool KafkaAdmin::Answers() {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, 1'000) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const bool has_broker = metadata->broker_cnt > 0;
  rd_kafka_metadata_destroy(metadata);
  return has_broker;
}

void KafkaAdmin::CreateTopic(const std::string& name, int partitions,
                             const std::map<std::string, std::string>& settings) {
  std::array<char, 512> error{};
  const NewTopic topic(rd_kafka_NewTopic_new(name.c_str(), partitions, 1, error.data(), error.size()));
  for (const auto& [key, value] : settings) rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str());
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(client_.get(), topics, 1, nullptr, queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  ASSERT_TRUE(event) << "no answer to the creation of " << name;
  size_t count = 0;
  const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  ASSERT_EQ(count, 1u) << rd_kafka_event_error_string(event.get());
  ExpectNoError(rd_kafka_topic_result_error(results[0]), "create " + name);
  // The controller has it; the broker, from which clients hear, learns of it a moment later.
  ASSERT_TRUE(Eventually(kCreateLimit, [&] { return Knows(name, partitions); })) << name << " is not seen";
}

bool KafkaAdmin::Knows(const std::string& topic, int partitions) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  bool known = rd_kafka_metadata(client_.get(), 0, handle, &metadata, kRequestMs) == RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_topic_destroy(handle);
  if (!known) return false;
  const rd_kafka_metadata_topic_t& seen = metadata->topics[0];
  known = seen.err == RD_KAFKA_RESP_ERR_NO_ERROR && seen.partition_cnt == partitions;
  for (int i = 0; known && i < partitions; ++i) known = seen.partitions[i].leader >= 0;
  rd_kafka_metadata_destroy(metadata);
  return known;
}

bool KafkaAdmin::Exists(const std::string& topic) {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, kRequestMs) != RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  bool exists = false;
  for (int i = 0; i < metadata->topic_cnt; ++i) exists |= metadata->topics[i].topic == topic;
  rd_kafka_metadata_destroy(metadata);
  return exists;
}

void KafkaAdmin::DeleteTopic(const std::string& name) {
  const std::unique_ptr<rd_kafka_DeleteTopic_t, Deleter<rd_kafka_DeleteTopic_destroy>> topic(
      rd_kafka_DeleteTopic_new(name.c_str()));
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteTopic_t* topics[] = {topic.get()};
  rd_kafka_DeleteTopics(client_.get(), topics, 1, nullptr, queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  ASSERT_TRUE(event) << "no answer to the deletion of " << name;
  ExpectNoError(rd_kafka_event_error(event.get()), "delete " + name);
  ASSERT_TRUE(Eventually(kCreateLimit, [&] { return !Exists(name); })) << name << " is still there";
}

void KafkaAdmin::AddPartitions(const std::string& name, int partitions) {
  std::array<char, 512> error{};
  const std::unique_ptr<rd_kafka_NewPartitions_t, Deleter<rd_kafka_NewPartitions_destroy>> more(
      rd_kafka_NewPartitions_new(name.c_str(), static_cast<size_t>(partitions), error.data(), error.size()));
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_NewPartitions_t* request[] = {more.get()};
  rd_kafka_CreatePartitions(client_.get(), request, 1, nullptr, queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  ASSERT_TRUE(event) << "no answer to more partitions for " << name;
  ExpectNoError(rd_kafka_event_error(event.get()), "more partitions for " + name);
  ASSERT_TRUE(Eventually(kCreateLimit, [&] { return Knows(name, partitions); })) << name << " has not got more";
}

void KafkaAdmin::DeleteCommitted(const std::string& group, const std::string& topic, int partitions) {
  const Partitions list = AllPartitions(topic, partitions, RD_KAFKA_OFFSET_INVALID);
  const std::unique_ptr<rd_kafka_DeleteConsumerGroupOffsets_t, Deleter<rd_kafka_DeleteConsumerGroupOffsets_destroy>>
      offsets(rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), list.get()));
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteConsumerGroupOffsets_t* request[] = {offsets.get()};
  rd_kafka_DeleteConsumerGroupOffsets(client_.get(), request, 1, nullptr, queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  ASSERT_TRUE(event) << "no answer to the deletion of offsets";
  ExpectNoError(rd_kafka_event_error(event.get()), "delete offsets of " + group);
}

void KafkaAdmin::Commit(const std::string& group, const std::string& topic, int partition, int64_t offset,
                        const std::string& metadata) {
  const Client consumer = MakeClient(RD_KAFKA_CONSUMER, {{"group.id", group}});
  const Partitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* element = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  element->offset = offset;
  element->metadata = rd_kafka_mem_malloc(nullptr, metadata.size());
  metadata.copy(static_cast<char*>(element->metadata), metadata.size());
  element->metadata_size = metadata.size();
  ExpectNoError(rd_kafka_commit(consumer.get(), list.get(), 0), "commit for " + group);
}

void KafkaAdmin::DeleteRecords(const std::string& topic, int partitions) {
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_END;
  }
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client_.get());
  rd_kafka_DeleteRecords(client_.get(), &request, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30'000);
  EXPECT_TRUE(event != nullptr && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) << "deleting " << topic;
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(request);
}

void KafkaAdmin::Forbid(const std::string& topic, rd_kafka_AclOperation_t operation) {
  const auto rule = [&](rd_kafka_AclOperation_t what, rd_kafka_AclPermissionType_t permission) {
    return rd_kafka_AclBinding_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL, "User:*",
                                   "*", what, permission, nullptr, 0);
  };
  rd_kafka_AclBinding_t* rules[] = {rule(RD_KAFKA_ACL_OPERATION_ALL, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW),
                                    rule(operation, RD_KAFKA_ACL_PERMISSION_TYPE_DENY)};
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_CreateAcls(client_.get(), rules, std::size(rules), nullptr, queue.get());
  for (rd_kafka_AclBinding_t* each : rules) rd_kafka_AclBinding_destroy(each);
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  ASSERT_TRUE(event) << "no answer to the rules for " << topic;
  ExpectNoError(rd_kafka_event_error(event.get()), "rules for " + topic);
  size_t count = 0;
  const auto* results = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* error = rd_kafka_acl_result_error(results[i]);
    ASSERT_EQ(error, nullptr) << rd_kafka_error_string(error);
  }
  // The controller has them; the broker that is to obey hears of them a little later.
  EXPECT_TRUE(Eventually(kReadLimit, [&] { return CountRules(topic) == std::size(rules); })) << "rules for " << topic;
}

size_t KafkaAdmin::CountRules(const std::string& topic) {
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_AclBindingFilter_t* all = AllRules(topic);
  rd_kafka_DescribeAcls(client_.get(), all, nullptr, queue.get());
  rd_kafka_AclBinding_destroy(all);
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  size_t count = 0;
  if (event && rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_DescribeAcls_result_acls(rd_kafka_event_DescribeAcls_result(event.get()), &count);
  }
  return count;
}

void KafkaAdmin::ForbidNothing(const std::string& topic) {
  rd_kafka_AclBindingFilter_t* all = AllRules(topic);
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteAcls(client_.get(), &all, 1, nullptr, queue.get());
  rd_kafka_AclBinding_destroy(all);
  const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
  ASSERT_TRUE(event) << "no answer to no rules for " << topic;
  ExpectNoError(rd_kafka_event_error(event.get()), "no rules for " + topic);
  EXPECT_TRUE(Eventually(kReadLimit, [&] { return CountRules(topic) == 0; })) << "no rules for " << topic;
}

GroupDescription KafkaAdmin::Describe(const std::string& group) {
  const rd_kafka_group_list* groups = nullptr;
  if (rd_kafka_list_groups(client_.get(), group.c_str(), &groups, kRequestMs) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  GroupDescription description;
  for (int i = 0; i < groups->group_cnt; ++i) {
    if (groups->groups[i].group == group) description = {groups->groups[i].state, groups->groups[i].member_cnt};
  }
  rd_kafka_group_list_destroy(groups);
  return description;
}

std::vector<int64_t> KafkaAdmin::Committed(const std::string& group, const std::string& topic, int partitions) {
  const Client consumer = MakeClient(RD_KAFKA_CONSUMER, {{"group.id", group}});
  const Partitions list = AllPartitions(topic, partitions, RD_KAFKA_OFFSET_INVALID);
  const rd_kafka_resp_err_t error = rd_kafka_committed(consumer.get(), list.get(), kRequestMs);
  std::vector<int64_t> offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const int64_t offset = list->elems[i].offset;
    offsets.push_back(error == RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0 ? offset : -1);
  }
  return offsets;
}

std::vector<int64_t> KafkaAdmin::Ends(const std::string& topic, int partitions) {
  return EndsSeenBy(client_.get(), topic, partitions);
}

void KafkaAdmin::Write(const std::string& topic, const std::vector<StoredRecord>& records) {
  for (const StoredRecord& record : records) ProduceOne(client_.get(), topic, record);
  ExpectNoError(rd_kafka_flush(client_.get(), kFlushMs), "flush");
}

void KafkaAdmin::WriteInTransaction(const std::string& topic, const std::vector<StoredRecord>& records) {
  transaction_ = MakeClient(RD_KAFKA_PRODUCER, {{"transactional.id", "the-test"}});
  ExpectSuccess(rd_kafka_init_transactions(transaction_.get(), kFlushMs), "init_transactions");
  ExpectSuccess(rd_kafka_begin_transaction(transaction_.get()), "begin_transaction");
  for (const StoredRecord& record : records) ProduceOne(transaction_.get(), topic, record);
  ExpectNoError(rd_kafka_flush(transaction_.get(), kFlushMs), "flush");
}

void KafkaAdmin::CommitTransaction() {
  ExpectSuccess(rd_kafka_commit_transaction(transaction_.get(), kFlushMs), "commit_transaction");
  transaction_.reset();
}

std::vector<StoredRecord> KafkaAdmin::ReadCommitted(const std::string& topic, int partitions) {
  std::vector<StoredRecord> records;
  ForEachCommitted(topic, partitions, [&](StoredRecord record) { records.push_back(std::move(record)); });
  return records;
}

void KafkaAdmin::ForEachCommitted(const std::string& topic, int partitions,
                                  const std::function<void(StoredRecord)>& take) {
  const Client consumer = MakeClient(RD_KAFKA_CONSUMER, {{"group.id", "the-test"},
                                                         {"isolation.level", "read_committed"},
                                                         {"enable.auto.commit", "false"},
                                                         {"enable.partition.eof", "true"}});
  // The markers of a commit reach the partitions one after the other, and may do so after commit has returned.
  EXPECT_TRUE(Eventually(
      kReadLimit,
      [&] { return EndsSeenBy(consumer.get(), topic, partitions) == EndsSeenBy(client_.get(), topic, partitions); }))
      << "a transaction stayed open in " << topic;
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_assign(consumer.get(), AllPartitions(topic, partitions, RD_KAFKA_OFFSET_BEGINNING).get());
  int ended = 0;
  const auto read_all = [&] {
    while (ended < partitions) {
      const Message message(rd_kafka_consumer_poll(consumer.get(), 100));
      if (!message) return false;
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        ++ended;
      } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ADD_FAILURE() << "reading " << topic << ": " << rd_kafka_message_errstr(message.get());
        return true;
      } else {
        take({message->partition, message->offset, OptionalBytes(message->key, message->key_len),
              OptionalBytes(message->payload, message->len), HeadersOf(*message),
              rd_kafka_message_timestamp(message.get(), nullptr)});
      }
    }
    return true;
  };
  EXPECT_TRUE(Eventually(kReadLimit, read_all)) << topic << " could not be read to its end";
}

}  // namespace tidemark::testing
