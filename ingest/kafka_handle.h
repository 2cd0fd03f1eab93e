// librdkafka's objects with owners, and the one way its clients are configured: the ground under KafkaClient, the
// topics commands, the generator and the demo.
//
// Logs: librdkafka's own lines go to our log, at debug level where it is about connections that come and go. That the
// brokers are away, and back, is one line each for the whole process, however many clients notice.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/clock.h"
#include "ingest/kafka_options.h"

namespace tidemark {

template <auto Destroy>
struct KafkaDeleter {
  template <typename T>
  void operator()(T* object) const {
    Destroy(object);
  }
};

using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaDeleter<rd_kafka_queue_destroy>>;
using KafkaPartitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, KafkaDeleter<rd_kafka_topic_partition_list_destroy>>;
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaDeleter<rd_kafka_conf_destroy>>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, KafkaDeleter<rd_kafka_error_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, KafkaDeleter<rd_kafka_event_destroy>>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, KafkaDeleter<rd_kafka_message_destroy>>;
using KafkaGroupMetadata =
    std::unique_ptr<rd_kafka_consumer_group_metadata_t, KafkaDeleter<rd_kafka_consumer_group_metadata_destroy>>;

// A client of either kind; destroying it closes it.
using KafkaClientHandle = std::unique_ptr<rd_kafka_t, KafkaDeleter<rd_kafka_destroy>>;
// A topic as a client knows it; to be destroyed before its client.
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, KafkaDeleter<rd_kafka_topic_destroy>>;
using KafkaMetadata = std::unique_ptr<const rd_kafka_metadata_t, KafkaDeleter<rd_kafka_metadata_destroy>>;
using KafkaAdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, KafkaDeleter<rd_kafka_AdminOptions_destroy>>;

using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

// `ours` first, then the user's [kafka.properties], which win; brokers and the log are set here. The error names the
// property that librdkafka refuses.
absl::StatusOr<KafkaConf> MakeKafkaConf(const KafkaOptions& options, const KafkaProperties& ours);

// Takes the configuration over.
absl::StatusOr<KafkaClientHandle> MakeKafkaClient(rd_kafka_type_t type, KafkaConf conf);

// The value that will be used, of a property of a client or of its topics; empty if there is none.
std::string KafkaProperty(const rd_kafka_conf_t* conf, const std::string& name);

// A property in milliseconds, as the user or else we set it.
Duration DurationProperty(const KafkaOptions& options, const std::string& name, Duration ours);

// Asks the leader of a partition for RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END, which for a reader of committed
// records is before the first undecided transaction. (rd_kafka_query_watermark_offsets does not keep its time-out.)
absl::StatusOr<int64_t> QueryOffset(rd_kafka_t* client, const std::string& topic, int32_t partition, int64_t which,
                                    int timeout_ms);

// Where Kafka's own clients put a key, and ours (partitioner murmur2_random).
int32_t PartitionOfKey(std::string_view key, uint32_t partitions);

// Refuses librdkafka releases whose transactions are known to be broken; logs a warning for those that are less safe.
absl::Status CheckLibrdkafka();
absl::Status CheckLibrdkafka(int version);

// Whether the code of an error callback says that a broker did not let us in: TLS, mechanism, credentials.
bool IsRefusedConnection(int code);

// What a client says of itself in its error callback, as a line of the log. A callback of one's own hands it on.
void NoteClientError(rd_kafka_t* client, int code, const char* reason);

// Notes what the error callback and successful calls say about the connection; logs when it changes.
void NoteBrokersAway(const std::string& brokers, const std::string& reason);
void NoteBrokersBack();
bool BrokersAway();

// What an error of the broker or of librdkafka means for the process, see ingest/broker.h. `doing` begins the message.
absl::Status KafkaStatus(const std::string& doing, rd_kafka_resp_err_t code, const std::string& text);

}  // namespace tidemark
