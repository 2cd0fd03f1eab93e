#include "ingest/topics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "ingest/kafka_handle.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, KafkaDeleter<rd_kafka_NewTopic_destroy>>;

// `refusal`, which must outlive the client, gets what a broker says that does not let us in.
absl::StatusOr<KafkaClientHandle> MakeAdminClient(const KafkaOptions& options, std::string* refusal = nullptr) {
  auto conf = MakeKafkaConf(options, {{"client.id", "tidemark-topics"}});
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_opaque(conf->get(), refusal);
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t* client, int code, const char* reason, void* refused) {
    NoteClientError(client, code, reason);
    if (refused != nullptr && IsRefusedConnection(code)) *static_cast<std::string*>(refused) = reason;
  });
  return MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
}

// Metadata of all topics: asking for a single one might create it.
absl::StatusOr<std::map<std::string, uint32_t>> PartitionCounts(const KafkaOptions& options, Duration timeout) {
  std::string refusal;
  const auto client = MakeAdminClient(options, &refusal);
  if (!client.ok()) return client.status();
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client->get(), 1, nullptr, &raw, static_cast<int>(timeout.ms));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_poll(client->get(), 0);  // the errors of the connections, of which `error` only says that none came about
    if (!refusal.empty()) {
      return absl::PermissionDeniedError(
          fmt::format("the Kafka brokers at {} refuse the connection: {}. Check security.protocol, sasl.* and ssl.* in "
                      "[kafka.properties]",
                      options.brokers, refusal));
    }
    return KafkaStatus(
        fmt::format("no answer from the Kafka brokers at {}; check kafka.brokers and the network", options.brokers),
        error, rd_kafka_err2str(error));
  }
  const KafkaMetadata metadata(raw);
  std::map<std::string, uint32_t> counts;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) counts[topic.topic] = static_cast<uint32_t>(topic.partition_cnt);
  }
  return counts;
}

absl::Status CreationResult(rd_kafka_event_t* event) {
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("creating topics", rd_kafka_event_error(event), rd_kafka_event_error_string(event));
  }
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char* text = rd_kafka_topic_result_error_string(results[i]);
    const std::string doing = fmt::format("creating the topic {}", rd_kafka_topic_result_name(results[i]));
    const absl::Status status = KafkaStatus(doing, error, text ? text : rd_kafka_err2str(error));
    return absl::IsUnavailable(status) ? absl::FailedPreconditionError(std::string(status.message())) : status;
  }
  return absl::OkStatus();
}

// What a state topic must be set to: whatever is deleted of it is deleted by tidemark.
constexpr std::array<std::pair<const char*, const char*>, 3> kStateSettings{
    {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}};

absl::Status Create(const KafkaOptions& options, const std::vector<TopicState>& missing, uint32_t events_partitions,
                    Duration timeout) {
  const auto client = MakeAdminClient(options);
  if (!client.ok()) return client.status();
  std::array<char, 512> text{};
  std::vector<NewTopic> topics;
  std::vector<rd_kafka_NewTopic_t*> pointers;
  for (const auto& [need, exists, partitions] : missing) {
    const uint32_t count = need.is_state ? events_partitions : options.partitions;
    topics.emplace_back(rd_kafka_NewTopic_new(need.name.c_str(), static_cast<int>(count),
                                              static_cast<int>(options.replication), text.data(), text.size()));
    if (!topics.back()) return absl::FailedPreconditionError(fmt::format("topic {}: {}", need.name, text.data()));
    pointers.push_back(topics.back().get());
    if (!need.is_state) continue;
    for (const auto& [name, value] : kStateSettings) rd_kafka_NewTopic_set_config(pointers.back(), name, value);
  }
  const KafkaAdminOptions admin(rd_kafka_AdminOptions_new(client->get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  const int timeout_ms = static_cast<int>(timeout.ms);
  rd_kafka_AdminOptions_set_request_timeout(admin.get(), timeout_ms, text.data(), text.size());
  rd_kafka_AdminOptions_set_operation_timeout(admin.get(), timeout_ms, text.data(), text.size());
  const KafkaQueue queue(rd_kafka_queue_new(client->get()));
  rd_kafka_CreateTopics(client->get(), pointers.data(), pointers.size(), admin.get(), queue.get());
  const KafkaEvent event(rd_kafka_queue_poll(queue.get(), 2 * timeout_ms));
  return event ? CreationResult(event.get()) : absl::UnavailableError("the brokers did not answer; try again");
}

}  // namespace

std::vector<TopicNeed> NeededTopics(const KafkaOptions& options) {
  return {{options.events_topic, "raw events, read"},
          {options.sessions_topic, "completed sessions, written"},
          {options.late_topic, "late events, written"},
          {options.dead_letters_topic, "dead letters, written"},
          {StateTopic(options), "state for recovery, tidemark's own", true}};
}

absl::StatusOr<std::vector<TopicState>> DescribeTopics(const KafkaOptions& options, Duration timeout) {
  const auto counts = PartitionCounts(options, timeout);
  if (!counts.ok()) return counts.status();
  std::vector<TopicState> result;
  for (TopicNeed& need : NeededTopics(options)) {
    const auto found = counts->find(need.name);
    const bool exists = found != counts->end();
    result.push_back({std::move(need), exists, exists ? found->second : 0});
  }
  return result;
}

namespace {

constexpr auto kVisibilityPause = std::chrono::milliseconds(50);

// A created topic becomes visible to the brokers a moment after its creation was acknowledged.
absl::Status WaitUntilVisible(const KafkaOptions& options, Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout.ms);
  for (;;) {
    const auto topics = DescribeTopics(options, timeout);
    if (!topics.ok()) return topics.status();
    if (RequireTopics(*topics).ok()) return absl::OkStatus();
    if (std::chrono::steady_clock::now() >= deadline) {
      return absl::UnavailableError("the topics were created, but the brokers do not show them yet; try again");
    }
    std::this_thread::sleep_for(kVisibilityPause);
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CreateMissingTopics(const KafkaOptions& options,
                                                             const std::vector<TopicState>& topics, Duration timeout) {
  std::vector<TopicState> missing;
  std::vector<std::string> names;
  uint32_t events_partitions = options.partitions;
  for (const TopicState& topic : topics) {
    if (topic.exists && topic.need.name == options.events_topic) events_partitions = topic.partitions;
    if (topic.exists) continue;
    missing.push_back(topic);
    names.push_back(topic.need.name);
  }
  if (!missing.empty()) {
    const absl::Status created = Create(options, missing, events_partitions, timeout);
    if (!created.ok()) return created;
    const absl::Status visible = WaitUntilVisible(options, timeout);
    if (!visible.ok()) return visible;
  }
  return names;
}

namespace {

using ConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, KafkaDeleter<rd_kafka_ConfigResource_destroy>>;

using Settings = std::map<std::string, std::string>;

// What a setting of a topic must be, and what happens else.
struct SettingRule {
  const char* name;
  const char* wanted;
  const char* otherwise;
  const char* wrong = nullptr;  // if given, any value without this word will do

  bool Allows(const std::string& value) const {
    return wrong ? value.find(wrong) == std::string::npos : value == wanted;
  }
};

using RulesByTopic = std::map<std::string, std::vector<SettingRule>>;

RulesByTopic SettingRules(const KafkaOptions& options) {
  RulesByTopic rules;
  for (const auto& [name, value] : kStateSettings) {
    rules[StateTopic(options)].push_back({name, value, "the state of open sessions is deleted"});
  }
  for (const std::string& topic : {options.late_topic, options.dead_letters_topic}) {
    rules[topic].push_back({"cleanup.policy", "delete", "it refuses what has no key, and tidemark ends", "compact"});
  }
  return rules;
}

// What the broker keeps to itself has no value and is left out.
absl::StatusOr<Settings> ReadSettings(const rd_kafka_ConfigResource_t* described) {
  const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(described);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaStatus("reading them", error, rd_kafka_err2str(error));
  Settings settings;
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(described, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value != nullptr) settings[rd_kafka_ConfigEntry_name(entries[i])] = value;
  }
  return settings;
}

using SettingsByTopic = std::map<std::string, absl::StatusOr<Settings>>;

absl::StatusOr<SettingsByTopic> DescribeSettings(const KafkaOptions& options, const RulesByTopic& topics,
                                                 Duration timeout) {
  const auto client = MakeAdminClient(options);
  if (!client.ok()) return client.status();
  SettingsByTopic result;
  std::vector<ConfigResource> resources;
  std::vector<rd_kafka_ConfigResource_t*> pointers;
  for (const auto& [topic, rules] : topics) {
    result.emplace(topic, absl::UnavailableError("the answer is not about this topic"));
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    pointers.push_back(resources.back().get());
  }
  const KafkaQueue queue(rd_kafka_queue_new(client->get()));
  rd_kafka_DescribeConfigs(client->get(), pointers.data(), pointers.size(), nullptr, queue.get());
  const KafkaEvent event(rd_kafka_queue_poll(queue.get(), static_cast<int>(timeout.ms)));
  if (!event) return absl::UnavailableError("the brokers did not answer in time");
  const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus("reading them", error, rd_kafka_event_error_string(event.get()));
  }
  size_t count = 0;
  const rd_kafka_ConfigResource_t** described =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    result.insert_or_assign(rd_kafka_ConfigResource_name(described[i]), ReadSettings(described[i]));
  }
  return result;
}

void WarnUnchecked(const std::string& topic, const std::vector<SettingRule>& rules, const absl::Status& why) {
  std::vector<std::string> wanted;
  for (const SettingRule& rule : rules) wanted.push_back(fmt::format("{}={}", rule.name, rule.wanted));
  Log(LogLevel::kWarn, "topic_unchecked", "cannot check the settings of a topic; going on without",
      {{"topic", topic}, {"err", std::string(why.message())}},
      fmt::format("allow DescribeConfigs on it, or see to it that it has {}", fmt::join(wanted, ", ")));
}

absl::Status CheckSettings(const std::string& brokers, const std::string& topic, const std::vector<SettingRule>& rules,
                           const Settings& settings) {
  for (const SettingRule& rule : rules) {
    const auto found = settings.find(rule.name);
    if (found == settings.end() || rule.Allows(found->second)) continue;
    return absl::FailedPreconditionError(
        fmt::format("the topic {0} has {1}={2}, it must be {3}, else {4}. Set it with `kafka-configs.sh "
                    "--bootstrap-server {5} --alter --entity-type topics --entity-name {0} --add-config {1}={3}`",
                    topic, rule.name, found->second, rule.wanted, rule.otherwise, brokers));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTopicSettings(const KafkaOptions& options, Duration timeout) {
  const RulesByTopic topics = SettingRules(options);
  const auto described = DescribeSettings(options, topics, timeout);
  for (const auto& [topic, rules] : topics) {
    const absl::StatusOr<Settings> settings = described.ok() ? described->at(topic) : described.status();
    if (!settings.ok()) {
      WarnUnchecked(topic, rules, settings.status());
      continue;
    }
    const absl::Status status = CheckSettings(options.brokers, topic, rules, *settings);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status RequireTopics(const std::vector<TopicState>& topics) {
  std::vector<std::string> missing;
  for (const TopicState& topic : topics) {
    if (!topic.exists) missing.push_back(fmt::format("{} ({})", topic.need.name, topic.need.purpose));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("missing Kafka topics: {}. Create them with `tidemark topics --create` and the same --config, "
                  "or set kafka.create_topics = true",
                  fmt::join(missing, ", ")));
}

}  // namespace tidemark
