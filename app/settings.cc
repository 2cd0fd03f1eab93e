// The rows, and what is derived from one row. Documents made of all of them are in settings_documents.cc.
#include "app/settings.h"

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

#include "app/config_text.h"

namespace tidemark {
namespace {

// At<&Config::rules, &Rules::timeout, &PerType::web>: the way from a Config to one value in it.
template <auto first, auto... rest>
auto& At(auto& object) {
  if constexpr (sizeof...(rest) == 0) {
    return object.*first;
  } else {
    return At<rest...>(object.*first);
  }
}

template <auto... path>
constexpr Field In() {
  using T = std::remove_reference_t<decltype(At<path...>(std::declval<Config&>()))>;
  return FieldOf<T>([](Config& config) -> T& { return At<path...>(config); });
}

bool IsTopicName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return name != "." && name != ".." && std::all_of(name.begin(), name.end(), allowed);
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c != 0x7F; });
}

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0;
}

// host, host:port, [::1]:port, each perhaps behind SSL:// or the like.
bool IsBroker(std::string_view broker) {
  constexpr std::string_view kSchemeEnd = "://";
  if (const size_t scheme = broker.find(kSchemeEnd); scheme != broker.npos) {
    const std::string name = absl::AsciiStrToUpper(std::string(broker.substr(0, scheme)));
    if (name != "PLAINTEXT" && name != "SSL" && name != "SASL_PLAINTEXT" && name != "SASL_SSL") return false;
    broker.remove_prefix(scheme + kSchemeEnd.size());
  }
  const size_t bracket = broker.starts_with('[') ? broker.find(']') : 0;
  if (bracket == broker.npos) return false;
  const size_t colon = broker.find(':', bracket);
  const std::string_view host = broker.substr(0, colon);
  const bool host_is_good = !host.empty() && host.find_first_of(" \t/;") == host.npos;
  return host_is_good && (colon == broker.npos || IsPort(broker.substr(colon + 1)));
}

bool IsBrokerList(std::string_view list) {
  while (true) {
    const size_t comma = list.find(',');
    if (!IsBroker(list.substr(0, comma))) return false;
    if (comma == list.npos) return true;
    list.remove_prefix(comma + 1);
  }
}

constexpr Range Between(Duration least, Duration most) { return {least.ms, most.ms}; }
constexpr Range kYear = Between(Seconds(1), Days(366));
constexpr Range kList = {0, 10'000};
constexpr Range kFlag = {};
constexpr Range kTopic = {1, 249};
constexpr std::string_view kTopicText = "letters, digits, '.', '_' and '-'";

constexpr auto kRules = &Config::rules;
constexpr auto kKafka = &Config::kafka;
constexpr auto kTimeout = &Rules::timeout;
constexpr auto kMaxDuration = &Rules::max_duration;

// clang-format off
const Setting kSettings[] = {
    {"max_event_bytes", In<kRules, &Rules::max_event_bytes>(), {1'024, 1 << 30}, "", nullptr, "",
     "A larger record is a dead letter, too_large."},

    {"session.timeout.web", In<kRules, kTimeout, &PerType::web>(), kYear, "", nullptr, "",
     "A web session ends when this much event time passed without an event of it. Also for types not named here."},
    {"session.timeout.app", In<kRules, kTimeout, &PerType::app>(), kYear, "", nullptr, "",
     "The same for app sessions."},
    {"session.timeout.conversation", In<kRules, kTimeout, &PerType::conversation>(), kYear, "", nullptr, "",
     "The same for conversation sessions."},
    {"session.idle_after", In<kRules, &Rules::idle_after>(), kYear, "", nullptr, "",
     "A session is idle this long after its newest event: idleDate."},
    {"session.away_after", In<kRules, &Rules::away_after>(), kYear, "", nullptr, "",
     "Its customer is away this long after its newest event: awayDate."},
    {"session.max_duration.web", In<kRules, kMaxDuration, &PerType::web>(), kYear, "", nullptr, "",
     "A web session ends when it has lasted this long. Also for types not named here."},
    {"session.max_duration.app", In<kRules, kMaxDuration, &PerType::app>(), kYear, "", nullptr, "",
     "The same for app sessions."},
    {"session.max_duration.conversation", In<kRules, kMaxDuration, &PerType::conversation>(), kYear, "", nullptr, "",
     "The same for conversation sessions."},
    {"session.conversation_linger", In<kRules, &Rules::conversation_linger>(), Between({0}, Days(366)), "", nullptr, "",
     "A conversation whose last customer has left stays open for this long, for stragglers."},
    {"session.pageview_events", In<kRules, &Rules::pageview_events>(), kList, "", nullptr, "",
     "Names of the events that count as page views."},
    {"session.screenview_events", In<kRules, &Rules::screenview_events>(), kList, "", nullptr, "",
     "Names of the events that count as screen views."},
    {"session.end_events", In<kRules, &Rules::end_events>(), kList, "", nullptr, "",
     "Names of the events that end their session at once."},
    {"session.list_attributes", In<kRules, &Rules::list_attributes>(), kList, "", nullptr, "",
     "Names of the attributes that collect all their distinct values instead of keeping the newest."},
    {"session.dedup_horizon", In<kRules, &Rules::dedup_horizon>(), {0, 10'000}, "", nullptr, "",
     "How many of the newest event ids a session remembers to tell duplicates."},

    {"time.max_out_of_orderness", In<kRules, &Rules::max_out_of_orderness>(), Between({0}, Days(30)), "", nullptr, "",
     "How far the watermark stays behind the newest event: events this much out of order are still in time."},
    {"time.max_future_skew", In<kRules, &Rules::max_future_skew>(), Between({0}, Days(366)), "", nullptr, "",
     "An event that is further ahead of its record's timestamp than this is a dead letter, future_timestamp."},
    {"time.idle_partition_after", In<kKafka, &KafkaOptions::idle_partition_after>(), kYear, "", nullptr, "",
     "A partition without a record for this long has its watermark moved by the clock, so that its sessions close."},

    {"state.snapshot_interval", In<kKafka, &KafkaOptions::snapshot_interval>(), Between(Seconds(1), Hours(24)), "",
     nullptr, "", "How often the open sessions of a partition with records are saved to the state topic."},
    {"state.recovery_target", In<kKafka, &KafkaOptions::recovery_target>(), Between(Seconds(1), Hours(1)), "", nullptr,
     "", "A snapshot is taken earlier when replaying what was read since would take longer than this."},

    {"kafka.brokers", In<kKafka, &KafkaOptions::brokers>(),
     {1, 10'000}, "", IsBrokerList, "host:port, separated by commas without blanks",
     "Where the cluster is found: host:port, separated by commas."},
    {"kafka.group", In<kKafka, &KafkaOptions::group>(), {1, 200}, "", IsTopicName, kTopicText,
     "The consumer group; processes with the same group share the partitions. Its state: the topic {group}-state."},
    {"kafka.instance_id", In<kKafka, &KafkaOptions::instance_id>(), {0, 200}, "", IsPrintable, "printable characters",
     "The stable name of this process within the group, unique in it. Empty: the name of the host."},
    {"kafka.events_topic", In<kKafka, &KafkaOptions::events_topic>(), kTopic, "", IsTopicName, kTopicText,
     "The topic of the raw events."},
    {"kafka.sessions_topic", In<kKafka, &KafkaOptions::sessions_topic>(), kTopic, "", IsTopicName, kTopicText,
     "The topic of the completed sessions."},
    {"kafka.late_topic", In<kKafka, &KafkaOptions::late_topic>(), kTopic, "", IsTopicName, kTopicText,
     "The topic of the events that came too late, unchanged, with headers that say why."},
    {"kafka.dead_letters_topic", In<kKafka, &KafkaOptions::dead_letters_topic>(), kTopic, "", IsTopicName, kTopicText,
     "The topic of the records that are no events, unchanged, with headers that say why."},
    {"kafka.create_topics", In<kKafka, &KafkaOptions::create_topics>(), kFlag, "", nullptr, "",
     "Whether `tidemark run` and `tidemark generate` create the topics that are missing."},
    {"kafka.partitions", In<kKafka, &KafkaOptions::partitions>(), {1, 10'000}, "", nullptr, "",
     "The number of partitions of topics that are created."},
    {"kafka.replication", In<kKafka, &KafkaOptions::replication>(), {1, 100}, "", nullptr, "",
     "The number of replicas of topics that are created; 3 in production."},
    {"kafka.shards", In<kKafka, &KafkaOptions::shards>(), {0, 1'024}, "", nullptr, "",
     "The number of threads, each with a consumer and a producer of its own. 0: one per core "
     "that it may use; a container's CPU limit counts."},
    {"kafka.commit_interval", In<kKafka, &KafkaOptions::commit_interval>(),
     Between(Milliseconds(10), Minutes(1)), "", nullptr, "",
     "How often a transaction with sessions and input offsets is committed."},

    {"http.address", In<&Config::http, &HttpOptions::address>(),
     {0, 255}, "", IsPrintable, "an address or the name of a host",
     "The address that serves /metrics, /livez and /readyz. Empty: none."},
    {"http.port", In<&Config::http, &HttpOptions::port>(), {0, 65'535}, "", nullptr, "",
     "The port for it. 0: any free one, which is logged."},

    {"log.level", In<&Config::log, &LogOptions::level>(), {1, 10}, "trace|debug|info|warn|error", nullptr, "",
     "The least important lines that are logged."},
    {"log.format", In<&Config::log, &LogOptions::format>(), {1, 10}, "auto|text|json", nullptr, "",
     "How the log looks; auto is text on a terminal and JSON otherwise."},
};
// clang-format on

std::string AddRange(std::string_view what, const std::string& least, const std::string& most) {
  return fmt::format("{}, from {} to {}", what, least, most);
}

struct Expectation {
  const Setting& setting;

  std::string operator()(FieldOf<bool>) const { return "true or false"; }
  std::string operator()(FieldOf<Duration>) const {
    return AddRange("a duration like \"20m\", \"1h30m\" or \"250ms\"", FormatDuration({setting.range.least}),
                    FormatDuration({setting.range.most}));
  }
  std::string operator()(FieldOf<std::string>) const {
    if (!setting.choices.empty()) return fmt::format("one of {}", fmt::join(Choices(), ", "));
    std::string expected = fmt::format("a text of {}at most {} characters",
                                       setting.range.least > 0 ? "at least 1 and " : "", setting.range.most);
    return setting.expected.empty() ? expected : fmt::format("{}: {}", expected, setting.expected);
  }
  std::string operator()(FieldOf<std::vector<std::string>>) const { return "a list of texts like [\"a\", \"b\"]"; }
  template <typename Number>
  std::string operator()(FieldOf<Number>) const {
    return AddRange("a whole number", std::to_string(setting.range.least), std::to_string(setting.range.most));
  }

  std::vector<std::string> Choices() const {
    std::vector<std::string> names;
    for (std::string_view rest = setting.choices; !rest.empty();) {
      const size_t bar = std::min(rest.find('|'), rest.size());
      names.push_back(fmt::format("\"{}\"", rest.substr(0, bar)));
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
    return names;
  }
};

bool IsWithin(int64_t value, const Range& range) { return value >= range.least && value <= range.most; }

bool IsChoice(std::string_view text, std::string_view choices) {
  return text.find('|') == text.npos &&
         fmt::format("|{}|", choices).find(fmt::format("|{}|", text)) != std::string::npos;
}

// Checks a raw value against the row and stores it.
struct Assignment {
  const Setting& setting;
  const RawValue& value;
  Config& config;

  bool operator()(FieldOf<bool> field) const {
    const bool* flag = std::get_if<bool>(&value);
    if (flag != nullptr) field(config) = *flag;
    return flag != nullptr;
  }
  bool operator()(FieldOf<Duration> field) const {
    const std::string* text = std::get_if<std::string>(&value);
    const std::optional<Duration> duration = text == nullptr ? std::nullopt : ParseDuration(*text);
    if (!duration || !IsWithin(duration->ms, setting.range)) return false;
    field(config) = *duration;
    return true;
  }
  bool operator()(FieldOf<std::string> field) const {
    const std::string* text = std::get_if<std::string>(&value);
    if (text == nullptr || !IsWithin(static_cast<int64_t>(text->size()), setting.range)) return false;
    if (!setting.choices.empty() && !IsChoice(*text, setting.choices)) return false;
    if (setting.valid != nullptr && !setting.valid(*text)) return false;
    field(config) = *text;
    return true;
  }
  bool operator()(FieldOf<std::vector<std::string>> field) const {
    const auto* list = std::get_if<std::vector<std::string>>(&value);
    if (list == nullptr || !IsWithin(static_cast<int64_t>(list->size()), setting.range)) return false;
    if (std::find(list->begin(), list->end(), "") != list->end()) return false;
    field(config) = *list;
    return true;
  }
  template <typename Number>
  bool operator()(FieldOf<Number> field) const {
    const int64_t* number = std::get_if<int64_t>(&value);
    if (number == nullptr || !IsWithin(*number, setting.range)) return false;
    field(config) = static_cast<Number>(*number);
    return true;
  }
};

struct TomlText {
  Config& config;
  std::string operator()(FieldOf<bool> field) const { return field(config) ? "true" : "false"; }
  std::string operator()(FieldOf<Duration> field) const { return QuoteToml(FormatDuration(field(config))); }
  std::string operator()(FieldOf<std::string> field) const { return QuoteToml(field(config)); }
  std::string operator()(FieldOf<std::vector<std::string>> field) const {
    std::vector<std::string> quoted;
    for (const std::string& item : field(config)) quoted.push_back(QuoteToml(item));
    return fmt::format("[{}]", fmt::join(quoted, ", "));
  }
  template <typename Number>
  std::string operator()(FieldOf<Number> field) const {
    return std::to_string(field(config));
  }
};

struct TextReader {
  std::string_view text;

  RawValue operator()(FieldOf<bool>) const {
    if (text != "true" && text != "false") return {};
    return text == "true";
  }
  RawValue operator()(FieldOf<Duration>) const { return std::string(text); }
  RawValue operator()(FieldOf<std::string>) const { return std::string(text); }
  RawValue operator()(FieldOf<std::vector<std::string>>) const {
    auto items = ParseTextList(text);
    return items ? RawValue(*std::move(items)) : RawValue();
  }
  template <typename Number>
  RawValue operator()(FieldOf<Number>) const {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return {};
    return number;
  }
};

struct TypeName {
  std::string_view operator()(FieldOf<bool>) const { return "true or false"; }
  std::string_view operator()(FieldOf<Duration>) const { return "duration"; }
  std::string_view operator()(FieldOf<std::string>) const { return "text"; }
  std::string_view operator()(FieldOf<std::vector<std::string>>) const { return "list of texts"; }
  template <typename Number>
  std::string_view operator()(FieldOf<Number>) const {
    return "number";
  }
};

}  // namespace

std::span<const Setting> AllSettings() { return kSettings; }

const Setting* FindSetting(std::string_view key) {
  const auto* found =
      std::find_if(std::begin(kSettings), std::end(kSettings), [&](const Setting& s) { return s.key == key; });
  return found == std::end(kSettings) ? nullptr : found;
}

std::vector<std::string> SettingKeys() {
  std::vector<std::string> keys;
  for (const Setting& setting : kSettings) keys.emplace_back(setting.key);
  return keys;
}

std::string_view TypeOf(const Setting& setting) { return std::visit(TypeName{}, setting.field); }

std::string ExpectationOf(const Setting& setting) { return std::visit(Expectation{setting}, setting.field); }

std::string EnvironmentNameOf(const Setting& setting) {
  std::string name = "TIDEMARK_";
  for (const char c : setting.key) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

RawValue ReadText(const Setting& setting, std::string_view text) { return std::visit(TextReader{text}, setting.field); }

bool Assign(const Setting& setting, const RawValue& value, Config* config) {
  return std::visit(Assignment{setting, value, *config}, setting.field);
}

std::string ValueAsToml(const Setting& setting, const Config& config) {
  Config copy = config;  // the fields are found through a mutable Config
  return std::visit(TomlText{copy}, setting.field);
}

}  // namespace tidemark
