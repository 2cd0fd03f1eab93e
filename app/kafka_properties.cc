#include "app/kafka_properties.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "app/nearest.h"

namespace tidemark {
namespace {

// A property that is refused, unless its value is the one that `allowed` names ("a|b").
struct Refusal {
  std::string_view name;
  std::string_view allowed;
  std::string_view reason;
};

constexpr std::string_view kOwnOffsets =
    "the input offsets are committed in the transaction of their sessions; remove it";
constexpr std::string_view kOwnAssignment =
    "partitions are assigned by the classic protocol with eager `range` and static membership; remove it";

constexpr std::string_view kOwnCallbacks =
    "tidemark hears of records, assignments and errors by librdkafka's callbacks; remove it";

constexpr Refusal kRefusals[] = {
    {"bootstrap.servers", "", "set kafka.brokers instead"},
    {"metadata.broker.list", "", "set kafka.brokers instead"},
    {"group.id", "", "set kafka.group instead"},
    {"group.instance.id", "", "set kafka.instance_id instead"},
    {"transactional.id", "", "it is made of kafka.group, kafka.instance_id and the shard; set those instead"},
    {"enable.auto.commit", "false", kOwnOffsets},
    {"auto.commit.enable", "false", kOwnOffsets},
    {"auto.commit.interval.ms", "", kOwnOffsets},
    {"enable.auto.offset.store", "false", kOwnOffsets},
    {"offset.store.method", "", kOwnOffsets},
    {"auto.offset.reset", "error",
     "where to begin is never guessed, since a wrong guess loses or repeats sessions; remove it"},
    {"isolation.level", "read_committed", "events of aborted transactions must not be read; remove it"},
    {"enable.partition.eof", "true", "recovery and quiet partitions need to be told of ends; remove it"},
    {"enable.idempotence", "true", "transactions need the idempotent producer; remove it"},
    {"acks", "all|-1", "a session must be on all in-sync replicas before its offsets count; remove it"},
    {"request.required.acks", "all|-1",
     "a session must be on all in-sync replicas before its offsets count; remove it"},
    {"partition.assignment.strategy", "range", kOwnAssignment},
    {"group.protocol", "classic", kOwnAssignment},
    {"group.protocol.type", "consumer", kOwnAssignment},
    {"group.remote.assignor", "", kOwnAssignment},
    {"delivery.report.only.error", "false", kOwnCallbacks},
    {"enabled_events", "0", kOwnCallbacks},
    {"log.queue", "false", kOwnCallbacks},
    {"test.mock.num.brokers", "0", "it replaces kafka.brokers by an empty cluster inside the process; remove it"},
    {"allow.auto.create.topics", "false", "a mistyped topic must not come into being; set kafka.create_topics instead"},
};

struct DestroyConf {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

// What people set most of what librdkafka's own list lacks: aliases, and properties without a default.
constexpr const char* kOftenSet[] = {"linger.ms",
                                     "sasl.mechanism",
                                     "sasl.username",
                                     "sasl.password",
                                     "ssl.ca.location",
                                     "ssl.certificate.location",
                                     "ssl.key.location",
                                     "ssl.key.password",
                                     "client.rack",
                                     "compression.type",
                                     "delivery.timeout.ms",
                                     "batch.num.messages",
                                     "debug"};

// The names to suggest from.
std::vector<std::string> KnownNames() {
  const std::unique_ptr<rd_kafka_conf_t, DestroyConf> conf(rd_kafka_conf_new());
  size_t count = 0;
  const char** pairs = rd_kafka_conf_dump(conf.get(), &count);
  std::vector<std::string> names(std::begin(kOftenSet), std::end(kOftenSet));
  for (size_t i = 0; i + 1 < count; i += 2) names.emplace_back(pairs[i]);
  rd_kafka_conf_dump_free(pairs, count);
  return names;
}

rd_kafka_conf_res_t TrySet(const std::string& name, const std::string& value, std::string* problem) {
  const std::unique_ptr<rd_kafka_conf_t, DestroyConf> conf(rd_kafka_conf_new());
  char text[512] = "";
  const rd_kafka_conf_res_t result = rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text, sizeof text);
  *problem = text;
  return result;
}

bool IsAllowed(const Refusal& refusal, const std::string& value) {
  return !refusal.allowed.empty() &&
         fmt::format("|{}|", refusal.allowed).find(fmt::format("|{}|", value)) != std::string::npos;
}

const Refusal* RefusalOf(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(kRefusals), std::end(kRefusals), [&](const Refusal& r) { return r.name == name; });
  return found == std::end(kRefusals) ? nullptr : found;
}

}  // namespace

std::optional<std::string> ProblemWithProperty(const std::string& name, const std::string& value) {
  const Refusal* refusal = RefusalOf(name);
  if (refusal != nullptr && !IsAllowed(*refusal, value)) {
    return fmt::format("the librdkafka property \"{}\" is tidemark's own: {}", name, refusal->reason);
  }
  std::string problem;
  const rd_kafka_conf_res_t result = TrySet(name, value, &problem);
  if (result == RD_KAFKA_CONF_OK || refusal != nullptr) return std::nullopt;
  if (result == RD_KAFKA_CONF_UNKNOWN) {
    return fmt::format("librdkafka {} has no property \"{}\"{}", rd_kafka_version_str(), name,
                       DidYouMean(name, KnownNames()));
  }
  return fmt::format("librdkafka refuses \"{}\": {}", name, problem);
}

bool IsProperty(const std::string& name) {
  std::string ignored;
  return TrySet(name, "", &ignored) != RD_KAFKA_CONF_UNKNOWN;
}

std::string PropertyOfVariable(std::string_view variable) {
  std::string underscored(variable);
  std::transform(underscored.begin(), underscored.end(), underscored.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::string dotted = underscored;
  std::replace(dotted.begin(), dotted.end(), '_', '.');
  const bool only_underscored = !IsProperty(dotted) && IsProperty(underscored);
  return only_underscored ? underscored : dotted;
}

bool IsSecretProperty(std::string_view name) {
  for (const std::string_view part : {"password", "secret", "key.pem", "oauthbearer.config", "jaas"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return name == "ssl_key";
}

std::string RefusedPropertiesAsMarkdown() {
  std::string list;
  for (const Refusal& refusal : kRefusals) {
    list += fmt::format("- `{}`: {}.\n", refusal.name, refusal.reason);
  }
  return list;
}

}  // namespace tidemark
