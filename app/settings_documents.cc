// What is made of all rows of the table of settings: checks between them, and the documents.
#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include "app/config_text.h"
#include "app/kafka_properties.h"
#include "app/settings.h"
#include "ingest/kafka_client.h"

namespace tidemark {
namespace {

// `session.timeout.web` belongs to [session]: as the file spells it, only the first part is a heading.
std::string_view SectionOf(const Setting& setting) {
  const size_t dot = setting.key.find('.');
  return dot == std::string_view::npos ? "" : setting.key.substr(0, dot);
}

std::string_view KeyInSection(const Setting& setting) {
  const std::string_view section = SectionOf(setting);
  return section.empty() ? setting.key : setting.key.substr(section.size() + 1);
}

std::string_view AboutSection(std::string_view section) {
  if (section == "session") return "What a session is. Processes that share a group must agree on it.";
  if (section == "time") return "Event time.";
  if (section == "kafka") return "Where events come from and sessions go.";
  if (section == "state") return "How open sessions outlive the process: the topic {group}-state.";
  if (section == "http") return "The window for Prometheus and probes.";
  if (section == "log") return "The log, on standard error.";
  return "";
}

struct TypeChecked {
  std::string_view name;
  Duration timeout;
  Duration max_duration;
};

void CheckDurations(const Rules& rules, Findings* findings) {
  const TypeChecked types[] = {{"web", rules.timeout.web, rules.max_duration.web},
                               {"app", rules.timeout.app, rules.max_duration.app},
                               {"conversation", rules.timeout.conversation, rules.max_duration.conversation}};
  for (const TypeChecked& type : types) {
    if (type.max_duration >= type.timeout * 3) continue;
    findings->warnings.push_back(fmt::format(
        "session.max_duration.{0} = \"{1}\" is shorter than three times session.timeout.{0} = \"{2}\": many "
        "sessions will end by their length instead of by inactivity; make it at least \"{3}\"",
        type.name, FormatDuration(type.max_duration), FormatDuration(type.timeout), FormatDuration(type.timeout * 3)));
  }
  if (rules.away_after < rules.idle_after) {
    findings->warnings.push_back(
        "session.away_after is shorter than session.idle_after: customers will be away before they "
        "are idle; make it the longer one");
  }
}

void CheckTopics(const KafkaOptions& kafka, Findings* findings) {
  struct Use {
    std::string key, what, topic;
  };
  const Use uses[] = {{"kafka.events_topic", "kafka.events_topic", kafka.events_topic},
                      {"kafka.sessions_topic", "kafka.sessions_topic", kafka.sessions_topic},
                      {"kafka.late_topic", "kafka.late_topic", kafka.late_topic},
                      {"kafka.dead_letters_topic", "kafka.dead_letters_topic", kafka.dead_letters_topic},
                      {"kafka.group", "the state topic of kafka.group", StateTopic(kafka)}};
  for (const Use* a = std::begin(uses); a != std::end(uses); ++a) {
    for (const Use* b = a + 1; b != std::end(uses); ++b) {
      if (a->topic != b->topic) continue;
      findings->errors.push_back(
          {{a->key, b->key},
           fmt::format("{} and {} are both \"{}\"; give each a topic of its own", a->what, b->what, a->topic)});
    }
  }
}

void CheckTransactions(const KafkaOptions& kafka, Findings* findings) {
  const Duration timeout = TransactionTimeout(kafka);
  if (kafka.commit_interval < timeout) return;
  findings->errors.push_back(
      {{"kafka.commit_interval", fmt::format("{}.transaction.timeout.ms", kPropertiesTable)},
       fmt::format("kafka.commit_interval = \"{}\" is not shorter than transaction.timeout.ms = {} in "
                   "[kafka.properties], after which the brokers end a transaction; make it the shorter one",
                   FormatDuration(kafka.commit_interval), timeout.ms)});
}

// librdkafka takes credentials and certificates for a protocol that has none, and connects in plain text.
void CheckSecurity(const KafkaOptions& kafka, Findings* findings) {
  const auto set = kafka.properties.find("security.protocol");
  const std::string protocol = absl::AsciiStrToLower(set == kafka.properties.end() ? "plaintext" : set->second);
  const auto warn_of = [&](std::string_view prefix, bool used, std::string_view needed) {
    const auto found = kafka.properties.lower_bound(std::string(prefix));
    if (used || found == kafka.properties.end() || !found->first.starts_with(prefix)) return;
    findings->warnings.push_back(
        fmt::format("{} is set in [{}], but security.protocol = {} does not use it; set that to {}", found->first,
                    kPropertiesTable, protocol, needed));
  };
  warn_of("sasl.", protocol.starts_with("sasl"), "SASL_SSL or SASL_PLAINTEXT");
  warn_of("ssl.", protocol.ends_with("ssl"), "SSL or SASL_SSL");
}

}  // namespace

Findings CheckTogether(const Config& config) {
  Findings findings;
  CheckDurations(config.rules, &findings);
  CheckTopics(config.kafka, &findings);
  CheckTransactions(config.kafka, &findings);
  CheckSecurity(config.kafka, &findings);
  return findings;
}

std::string ExampleFile() {
  std::string file =
      "# Every setting of tidemark at its default. Remove what you do not change.\n"
      "# Environment variables (TIDEMARK_KAFKA__BROKERS) override this file, flags (--set kafka.brokers=…) override "
      "both.\n"
      "# tidemark check-config FILE   says whether a file is right.\n"
      "# tidemark config --config F   prints the effective settings with their origin.\n";
  const Config defaults;
  std::string_view section;
  for (const Setting& setting : AllSettings()) {
    if (SectionOf(setting) != section) {
      section = SectionOf(setting);
      file += fmt::format("\n# {}\n[{}]\n", AboutSection(section), section);
    }
    file += fmt::format("\n# {}\n# Accepts {}.\n{} = {}\n", setting.text, ExpectationOf(setting), KeyInSection(setting),
                        ValueAsToml(setting, defaults));
  }
  file +=
      "\n# Any property of librdkafka, except those that tidemark must set itself for exactly-once.\n"
      "# In the environment: TIDEMARK_KAFKA_PROPERTY_SASL_MECHANISM=PLAIN sets sasl.mechanism.\n"
      "[kafka.properties]\n"
      "# \"security.protocol\" = \"SASL_SSL\"\n"
      "# \"sasl.mechanism\" = \"SCRAM-SHA-512\"\n"
      "# \"sasl.username\" = \"tidemark\"\n";
  return file;
}

std::string MarkdownReference() {
  std::string page =
      "# Settings\n\n"
      "Made by `tidemark config --reference` from the table in `app/settings.cc`.\n\n"
      "A setting has its default, unless the file given by `--config` (or `TIDEMARK_CONFIG`, which `generate`\n"
      "does not look at) sets it; an environment variable overrides the file, and `--set section.key=value`\n"
      "overrides both. Lists are separated by commas in variables and flags, or written as in a file.\n"
      "`tidemark config` prints the effective value of each with its origin.\n";
  const Config defaults;
  std::string_view section = "-";
  for (const Setting& setting : AllSettings()) {
    if (SectionOf(setting) != section) {
      section = SectionOf(setting);
      page += section.empty() ? "\n## Outside of a table\n"
                              : fmt::format("\n## [{}]\n\n{}\n", section, AboutSection(section));
      page += "\n| key | default | accepts | what it does |\n|---|---|---|---|\n";
    }
    std::string accepts = ExpectationOf(setting);
    page += fmt::format("| `{}`<br>`{}` | `{}` | {} | {} |\n", setting.key, EnvironmentNameOf(setting),
                        ValueAsToml(setting, defaults), accepts, setting.text);
  }
  page +=
      "\n## [kafka.properties]\n\n"
      "Any property of librdkafka by its own name, e.g. `\"sasl.mechanism\" = \"PLAIN\"`; in the environment\n"
      "`TIDEMARK_KAFKA_PROPERTY_SASL_MECHANISM`. Refused, because exactly-once depends on them:\n\n";
  return page + RefusedPropertiesAsMarkdown();
}

std::string SettingsHelp() {
  std::string help = "Settings:\n";
  const Config defaults;
  for (const Setting& setting : AllSettings()) {
    help += fmt::format("  {} = {}\n      {} ({})\n", setting.key, ValueAsToml(setting, defaults), setting.text,
                        ExpectationOf(setting));
  }
  return help + fmt::format("  {}.NAME\n      Any property of librdkafka.\n", kPropertiesTable);
}

}  // namespace tidemark
