#include "app/config_loader.h"

#include <absl/strings/str_replace.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "app/config_text.h"
#include "app/kafka_properties.h"
#include "app/nearest.h"
#include "app/settings.h"

namespace tidemark {
namespace {

constexpr std::string_view kVariablePrefix = "TIDEMARK_";
constexpr std::string_view kPropertyPrefix = "TIDEMARK_KAFKA_PROPERTY_";
constexpr std::string_view kConfigVariable = "TIDEMARK_CONFIG";  // --config, read by the command line
constexpr std::streamsize kMaxFileBytes = 16 << 20;

// What is loaded so far, and all that was wrong on the way: one problem does not hide the next.
struct Loading {
  LoadedConfig loaded;
  std::vector<std::string> problems;
  std::vector<std::string> unknown_variables;

  void Problem(std::string_view where, std::string_view what) {
    problems.push_back(fmt::format("{}: {}", where, what));
  }

  void Put(const Setting& setting, const RawValue& value, std::string_view given, const std::string& where) {
    if (Assign(setting, value, &loaded.config)) {
      loaded.origins[std::string(setting.key)] = where;
    } else {
      Problem(where, fmt::format("{} cannot be {}; expected {}", setting.key, given, ExpectationOf(setting)));
    }
  }

  void PutProperty(const std::string& name, const std::string& value, const std::string& where) {
    if (const std::optional<std::string> problem = ProblemWithProperty(name, value)) {
      Problem(where, *problem);
      return;
    }
    loaded.config.kafka.properties[name] = value;
    loaded.origins[fmt::format("{}.{}", kPropertiesTable, name)] = where;
  }
};

// ------------------------------------------------------------------------------------------------- the file

RawValue ReadArray(const toml::array& array) {
  std::vector<std::string> items;
  for (const toml::node& item : array) {
    const auto text = item.value_exact<std::string>();
    if (!text) return {};
    items.push_back(*text);
  }
  return items;
}

RawValue ReadNode(const toml::node& node) {
  if (const auto flag = node.value_exact<bool>()) return *flag;
  if (const auto number = node.value_exact<int64_t>()) return *number;
  if (const auto number = node.value_exact<double>()) return *number;
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const toml::array* array = node.as_array()) return ReadArray(*array);
  return {};
}

// The value as it stands in the file, for a message; long ones are cut.
std::string Shown(const toml::node& node) {
  std::ostringstream text;
  if (const auto string = node.value_exact<std::string>()) {
    text << QuoteToml(*string);
  } else {
    node.visit([&](const auto& value) { text << value; });
  }
  std::string shown = text.str();
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  constexpr size_t kMostShown = 80;
  if (shown.size() > kMostShown) shown = shown.substr(0, kMostShown) + "...";
  return node.is_table() ? "a table" : shown;
}

// A table's entries sorted by where they stand, so that messages are; toml++ sorts them by name.
std::vector<std::pair<const toml::key*, const toml::node*>> InFileOrder(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (auto entry = table.cbegin(); entry != table.cend(); ++entry) entries.emplace_back(&entry->first, &entry->second);
  const auto position = [](const auto& entry) {
    return std::pair(entry.first->source().begin.line, entry.first->source().begin.column);
  };
  std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) { return position(a) < position(b); });
  return entries;
}

std::optional<std::string> PropertyText(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  return std::nullopt;
}

// The names below `table` in the settings: of "session" they are "timeout", "idle_after", ...
std::vector<std::string> NamesBelow(std::string_view table) {
  const std::string prefix = table.empty() ? "" : fmt::format("{}.", table);
  std::set<std::string> names;
  for (const std::string& key : SettingKeys()) {
    if (key.starts_with(prefix)) names.insert(key.substr(prefix.size(), key.find('.', prefix.size()) - prefix.size()));
  }
  if (table == "kafka") names.insert("properties");
  return {names.begin(), names.end()};
}

// A key that is no setting: the same name in another table is the likeliest mistake, then a typing error.
std::string UnknownKey(const std::string& key) {
  const size_t dot = key.rfind('.');
  const std::string table = dot == std::string::npos ? "" : key.substr(0, dot);
  const std::string name = key.substr(dot + 1);
  for (const std::string& other : SettingKeys()) {
    if (other == name || other.ends_with("." + name)) {
      return fmt::format("unknown setting \"{}\", did you mean \"{}\"?", key, other);
    }
  }
  const std::string property = table == "kafka" ? PropertyOfVariable(name) : key;
  if (IsProperty(property)) {
    return fmt::format(
        "unknown setting \"{0}\"; \"{1}\" is a property of librdkafka: write it under [{2}] as \"{1}\" = ...", key,
        property, kPropertiesTable);
  }
  const std::string near_name = Nearest(name, NamesBelow(table));
  if (!near_name.empty()) {
    return fmt::format("unknown setting \"{}\", did you mean \"{}{}{}\"?", key, table, table.empty() ? "" : ".",
                       near_name);
  }
  const std::string suggestion = DidYouMean(key, SettingKeys());
  return fmt::format("unknown setting \"{}\"{}", key,
                     suggestion.empty() ? "; `tidemark config --help` lists all of them" : suggestion);
}

class FileReader {
 public:
  FileReader(const std::string& file, Loading* loading) : file_(file), loading_(*loading) {}

  void ReadTable(const toml::table& table, const std::string& path) {
    for (const auto& [key, node] : InFileOrder(table)) {
      const std::string name(key->str());
      ReadEntry(path.empty() ? name : fmt::format("{}.{}", path, name), *node, Where(key->source()));
    }
  }

 private:
  std::string Where(const toml::source_region& region) const {
    return fmt::format("{}:{}:{}", file_, region.begin.line, region.begin.column);
  }

  void ReadEntry(const std::string& key, const toml::node& node, const std::string& where) {
    if (const Setting* setting = FindSetting(key)) {
      loading_.Put(*setting, ReadNode(node), Shown(node), Where(node.source()));
    } else if (key == kPropertiesTable && node.is_table()) {
      ReadProperties(*node.as_table(), "");
    } else if (!NamesBelow(key).empty() || key == kPropertiesTable) {
      ReadNested(key, node, where);
    } else {
      loading_.Problem(where, UnknownKey(key));
    }
  }

  void ReadNested(const std::string& key, const toml::node& node, const std::string& where) {
    if (const toml::table* table = node.as_table()) {
      ReadTable(*table, key);
      return;
    }
    const std::string members =
        key == kPropertiesTable ? "properties of librdkafka" : fmt::format("{}", fmt::join(NamesBelow(key), ", "));
    loading_.Problem(where, fmt::format("{} cannot be {}; expected a table of {}", key, Shown(node), members));
  }

  // `"sasl.mechanism" = …` and `sasl.mechanism = …` (to TOML a table in a table) mean the same.
  void ReadProperties(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : InFileOrder(table)) {
      const std::string name = prefix + std::string(key->str());
      const std::string where = Where(key->source());
      if (const toml::table* nested = node->as_table()) {
        ReadProperties(*nested, name + ".");
      } else if (const auto text = PropertyText(*node)) {
        loading_.PutProperty(name, *text, where);
      } else {
        loading_.Problem(where,
                         fmt::format("the property \"{}\" cannot be {}; expected a text, a number, true or false", name,
                                     IsSecretProperty(name) ? "a list or a date" : Shown(*node)));
      }
    }
  }

  const std::string& file_;
  Loading& loading_;
};

absl::StatusOr<std::string> ReadWholeFile(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const auto fail = [&](std::string_view reason) {
    return absl::NotFoundError(fmt::format(
        "cannot read the configuration {}: {}. Check the path; `tidemark config --example` prints a file to start from",
        file, reason));
  };
  if (!stream) return fail(std::strerror(errno));
  std::string contents;
  char block[65'536];
  while (stream.read(block, sizeof block) || stream.gcount() > 0) {
    contents.append(block, static_cast<size_t>(stream.gcount()));
    if (static_cast<std::streamsize>(contents.size()) > kMaxFileBytes) return fail("it is larger than 16 MiB");
  }
  if (stream.bad()) return fail(std::strerror(errno));  // a directory opens, but does not read
  return contents;
}

absl::Status ReadFile(const std::string& file, Loading* loading) {
  const absl::StatusOr<std::string> contents = ReadWholeFile(file);
  if (!contents.ok()) return contents.status();
  try {
    const toml::table table = toml::parse(*contents, file);
    FileReader(file, loading).ReadTable(table, "");
  } catch (const toml::parse_error& error) {  // how toml++ reports; goes no further
    const toml::source_position at = error.source().begin;
    loading->Problem(fmt::format("{}:{}:{}", file, at.line, at.column),
                     fmt::format("this is not TOML: {}", error.description()));
  }
  return absl::OkStatus();
}

// ------------------------------------------------------------------------------- the environment and the flags

const Setting* SettingOfVariable(std::string_view name) {
  for (const Setting& setting : AllSettings()) {
    if (EnvironmentNameOf(setting) == name) return &setting;
  }
  return nullptr;
}

// What Kubernetes tells each pod of a Service that is called tidemark or tidemark-kafka: TIDEMARK_SERVICE_PORT,
// TIDEMARK_KAFKA_PORT_9092_TCP, …
bool IsServiceLink(std::string_view name, std::string_view value) {
  constexpr std::string_view kPort = "_PORT_";
  const size_t port = name.find(kPort);
  const std::string_view number = port == name.npos ? "" : name.substr(port + kPort.size(), 1);
  return name.ends_with("_SERVICE_HOST") || name.find("_SERVICE_PORT") != name.npos ||
         (number >= "0" && number <= "9") || (name.ends_with("_PORT") && value.find("://") != value.npos);
}

// The variable, and what may be meant.
std::string UnknownVariable(const std::string& name) {
  constexpr std::string_view kAsTable = "TIDEMARK_KAFKA__PROPERTIES__";
  if (name.starts_with(kAsTable)) {
    const std::string property = absl::StrReplaceAll(name.substr(kAsTable.size()), {{"__", "_"}});
    return fmt::format("{}, did you mean \"{}{}\"?", name, kPropertyPrefix, property);
  }
  std::vector<std::string> names;
  for (const Setting& setting : AllSettings()) names.push_back(EnvironmentNameOf(setting));
  return name + DidYouMean(name, names);
}

void ReadVariable(const std::string& name, const std::string& value, Loading* loading) {
  const std::string where = fmt::format("environment variable {}", name);
  if (name.starts_with(kPropertyPrefix)) {
    loading->PutProperty(PropertyOfVariable(std::string_view(name).substr(kPropertyPrefix.size())), value, where);
  } else if (const Setting* setting = SettingOfVariable(name)) {
    loading->Put(*setting, ReadText(*setting, value), QuoteToml(value), where);
  } else if (name != kConfigVariable && !IsServiceLink(name, value)) {
    loading->unknown_variables.push_back(UnknownVariable(name));
  }
}

void ReadEnvironment(std::vector<std::string> environment, Loading* loading) {
  std::sort(environment.begin(), environment.end());  // messages in the same order everywhere
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kVariablePrefix) || equals == std::string::npos) continue;
    ReadVariable(entry.substr(0, equals), entry.substr(equals + 1), loading);
  }
}

void ReadFlag(const std::string& flag, Loading* loading) {
  const size_t equals = flag.find('=');
  const std::string key = flag.substr(0, equals);
  const std::string where = fmt::format("--set {}", key);
  const std::string property_prefix = fmt::format("{}.", kPropertiesTable);
  if (equals == std::string::npos) {
    loading->Problem(where, "expected section.key=value, e.g. --set session.timeout.web=30m");
    return;
  }
  const std::string value = flag.substr(equals + 1);
  if (key.starts_with(property_prefix)) {
    loading->PutProperty(key.substr(property_prefix.size()), value, where);
  } else if (const Setting* setting = FindSetting(key)) {
    loading->Put(*setting, ReadText(*setting, value), QuoteToml(value), where);
  } else {
    loading->Problem(where, UnknownKey(key));
  }
}

std::string OriginOf(const LoadedConfig& loaded, const std::string& key) {
  const auto found = loaded.origins.find(key);
  return found == loaded.origins.end() ? "default" : found->second;
}

// Where one of its settings was set: two defaults never conflict.
void ReportConflict(const Conflict& conflict, Loading* loading) {
  for (const std::string& key : conflict.keys) {
    const auto found = loading->loaded.origins.find(key);
    if (found != loading->loaded.origins.end()) return loading->Problem(found->second, conflict.text);
  }
  loading->problems.push_back(conflict.text);
}

}  // namespace

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources) {
  Loading loading;
  if (!sources.file.empty()) {
    if (const absl::Status status = ReadFile(sources.file, &loading); !status.ok()) return status;
  }
  ReadEnvironment(sources.environment, &loading);
  for (const std::string& flag : sources.sets) ReadFlag(flag, &loading);
  if (loading.problems.empty()) {
    const Findings findings = CheckTogether(loading.loaded.config);
    for (const std::string& warning : findings.warnings) loading.loaded.warnings.push_back(warning);
    for (const Conflict& conflict : findings.errors) ReportConflict(conflict, &loading);
  }
  if (!loading.unknown_variables.empty()) {
    loading.loaded.warnings.push_back(
        fmt::format("environment variables that are no settings: {}", fmt::join(loading.unknown_variables, "; ")));
  }
  if (loading.problems.empty()) return std::move(loading.loaded);
  return absl::InvalidArgumentError(fmt::format("{}", fmt::join(loading.problems, "\n")));
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

std::string PrintWithOrigins(const LoadedConfig& loaded) {
  std::string text;
  for (const Setting& setting : AllSettings()) {
    const std::string assignment = fmt::format("{} = {}", setting.key, ValueAsToml(setting, loaded.config));
    text += fmt::format("{:<55} # {}\n", assignment, OriginOf(loaded, std::string(setting.key)));
  }
  for (const auto& [name, value] : loaded.config.kafka.properties) {
    const std::string shown = IsSecretProperty(name) ? "\"(hidden)\"" : QuoteToml(value);
    const std::string assignment = fmt::format("{}.\"{}\" = {}", kPropertiesTable, name, shown);
    text += fmt::format("{:<55} # {}\n", assignment, OriginOf(loaded, fmt::format("{}.{}", kPropertiesTable, name)));
  }
  return text;
}

}  // namespace tidemark
