#include "ingest/kafka_handle.h"

#include <fmt/format.h>
#include <syslog.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <string_view>

#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr size_t kErrorTextBytes = 512;

// The one process-wide word about the brokers. Clients live on several threads.
std::atomic<bool> brokers_away{false};

// What librdkafka says about itself and nobody needs to read at ordinary levels: connections (we say it in one line),
// properties of one kind of client given to another (they are shared on purpose), its mock cluster.
bool IsNoise(std::string_view facility) {
  return facility == "FAIL" || facility == "ERROR" || facility == "CONFWARN" || facility == "AUTOCREATE" ||
         facility == "GETPID" || facility == "MOCK";
}

void OnLog(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  const LogLevel by_severity = level <= LOG_ERR ? LogLevel::kError : LogLevel::kWarn;
  const LogLevel ours = IsNoise(facility) || level >= LOG_INFO ? LogLevel::kDebug : by_severity;
  Log(ours, "librdkafka", text, {{"client", client ? rd_kafka_name(client) : ""}, {"facility", facility}});
}

void OnError(rd_kafka_t* client, int code, const char* reason, void*) { NoteClientError(client, code, reason); }

absl::Status SetProperty(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, kErrorTextBytes> text{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size()) == RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("Kafka property {}: {}. Correct it in [kafka.properties]", name, text.data()));
}

bool IsAccessError(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return true;
    default:
      return false;
  }
}

bool IsSettingError(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool IsRefusedConnection(int code) {
  return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
         code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

void NoteClientError(rd_kafka_t* client, int code, const char* reason) {
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    // An idle producer loses its connections as a matter of course; a consumer that reads is never idle.
    if (rd_kafka_type(client) == RD_KAFKA_CONSUMER) NoteBrokersAway(rd_kafka_name(client), reason);
    return;
  }
  if (error == RD_KAFKA_RESP_ERR__FATAL) return;  // told by whoever asks the client next
  if (IsRefusedConnection(code)) {
    Log(LogLevel::kError, "broker_refuses", "a broker refuses the connection", {{"err", reason}},
        "check the security settings in [kafka.properties]");
  } else {
    Log(LogLevel::kDebug, "librdkafka", reason, {{"err", rd_kafka_err2name(error)}});
  }
}

void NoteBrokersAway(const std::string& brokers, const std::string& reason) {
  if (brokers_away.exchange(true)) return;
  Log(LogLevel::kWarn, "broker_away", "no broker answers; waiting for one, nothing is lost",
      {{"client", brokers}, {"err", reason}}, "check kafka.brokers, the network and the brokers");
}

void NoteBrokersBack() {
  if (brokers_away.load(std::memory_order_relaxed) && brokers_away.exchange(false)) {
    Log(LogLevel::kInfo, "broker_back", "a broker answers");
  }
}

bool BrokersAway() { return brokers_away.load(std::memory_order_relaxed); }

absl::Status KafkaStatus(const std::string& doing, rd_kafka_resp_err_t code, const std::string& text) {
  const std::string message = fmt::format("{}: {} ({})", doing, text, rd_kafka_err2name(code));
  if (IsAccessError(code)) {
    return absl::PermissionDeniedError(message + ". Give this user the rights, or check its credentials");
  }
  if (IsSettingError(code)) return absl::FailedPreconditionError(message);
  if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
    return absl::FailedPreconditionError(
        message + ". Another process runs with the same kafka.instance_id and has taken over; give each its own");
  }
  return absl::UnavailableError(message);
}

absl::StatusOr<int64_t> QueryOffset(rd_kafka_t* client, const std::string& topic, int32_t partition, int64_t which,
                                    int timeout_ms) {
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* element = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  element->offset = which;
  rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client, list.get(), timeout_ms);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = element->err;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && element->offset < 0) error = RD_KAFKA_RESP_ERR__NO_OFFSET;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return element->offset;
  const char* what = which == RD_KAFKA_OFFSET_END ? "end" : "first offset";
  return KafkaStatus(fmt::format("reading the {} of {}", what, topic), error, rd_kafka_err2str(error));
}

absl::StatusOr<KafkaConf> MakeKafkaConf(const KafkaOptions& options, const KafkaProperties& ours) {
  KafkaConf conf(rd_kafka_conf_new());
  absl::Status status = SetProperty(conf.get(), "bootstrap.servers", options.brokers);
  if (status.ok()) status = SetProperty(conf.get(), "allow.auto.create.topics", "false");  // nor by asking for one
  for (const auto& [name, value] : ours) {
    if (status.ok()) status = SetProperty(conf.get(), name, value);
  }
  for (const auto& [name, value] : options.properties) {
    if (status.ok()) status = SetProperty(conf.get(), name, value);
  }
  if (!status.ok()) return status;
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  return conf;
}

absl::StatusOr<KafkaClientHandle> MakeKafkaClient(rd_kafka_type_t type, KafkaConf conf) {
  std::array<char, kErrorTextBytes> text{};
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), text.data(), text.size());
  if (client == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("the Kafka settings do not fit together: {}. Correct [kafka.properties]", text.data()));
  }
  static_cast<void>(conf.release());  // it belongs to the client now
  return KafkaClientHandle(client);
}

std::string KafkaProperty(const rd_kafka_conf_t* conf, const std::string& name) {
  std::array<char, kErrorTextBytes> value{};
  size_t size = value.size();
  if (rd_kafka_conf_get(conf, name.c_str(), value.data(), &size) == RD_KAFKA_CONF_OK) return value.data();
  rd_kafka_topic_conf_t* topic = rd_kafka_conf_get_default_topic_conf(const_cast<rd_kafka_conf_t*>(conf));
  size = value.size();
  if (topic && rd_kafka_topic_conf_get(topic, name.c_str(), value.data(), &size) == RD_KAFKA_CONF_OK) {
    return value.data();
  }
  return {};
}

Duration DurationProperty(const KafkaOptions& options, const std::string& name, Duration ours) {
  const auto found = options.properties.find(name);
  if (found == options.properties.end()) return ours;
  Duration theirs = ours;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), theirs.ms);
  return theirs;
}

int32_t PartitionOfKey(std::string_view key, uint32_t partitions) {
  return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), static_cast<int32_t>(partitions), nullptr,
                                          nullptr);
}

absl::Status CheckLibrdkafka() { return CheckLibrdkafka(rd_kafka_version()); }

absl::Status CheckLibrdkafka(int version) {
  const int release = version >> 8;  // 0xMMmmrrpp without the pre-release byte
  const std::string name = fmt::format("{}.{}.{}", release >> 16, (release >> 8) & 0xff, release & 0xff);
  for (const int bad : {0x020100, 0x020101, 0x020500, 0x020a00}) {
    if (release == bad) {
      return absl::FailedPreconditionError(fmt::format(
          "librdkafka {} is known to break transactions or lose assignments; install another release", name));
    }
  }
  if (release < 0x020503) {
    Log(LogLevel::kWarn, "librdkafka_old", "transactions are less safe with this librdkafka than with 2.5.3 and later",
        {{"version", name}}, "install a newer librdkafka when the distribution has one; the container ships one");
  }
  return absl::OkStatus();
}

}  // namespace tidemark
