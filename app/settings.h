// The table of settings: one row per setting. Parsing, ranges, `--help`, `tidemark config`, the example file, the
// reference and the names of the environment variables all come from it. The table never changes: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"

namespace tidemark {

// How a row finds its value in a Config; the alternative says the type of the setting.
template <typename T>
using FieldOf = T& (*)(Config&);
using Field = std::variant<FieldOf<bool>, FieldOf<uint16_t>, FieldOf<uint32_t>, FieldOf<uint64_t>, FieldOf<Duration>,
                           FieldOf<std::string>, FieldOf<std::vector<std::string>>>;

struct Range {
  int64_t least = 0;
  int64_t most = 0;  // numbers: as they are; durations: milliseconds; strings: length
};

// A value as it stands in a file, an environment variable or a flag, before a setting has accepted it.
// monostate: of a type that no setting has (a date, a table).
using RawValue = std::variant<std::monostate, bool, int64_t, double, std::string, std::vector<std::string>>;

struct Setting {
  std::string_view key;  // "session.timeout.web"; its table is what stands before the last dot
  Field field;
  Range range;
  std::string_view choices;         // "text|json": the only values; empty: any
  bool (*valid)(std::string_view);  // of a string, beside the range; null: any
  std::string_view expected;        // what `valid` wants, for people
  std::string_view text;            // one line: what it does
};

std::span<const Setting> AllSettings();
const Setting* FindSetting(std::string_view key);
std::vector<std::string> SettingKeys();

// The table a librdkafka property stands in.
inline constexpr std::string_view kPropertiesTable = "kafka.properties";

// "duration", "number", "text", "true or false", "list of texts".
std::string_view TypeOf(const Setting& setting);

// What the setting accepts: `a duration like "20m", from 1s to 365d`.
std::string ExpectationOf(const Setting& setting);

// "TIDEMARK_SESSION__TIMEOUT__WEB".
std::string EnvironmentNameOf(const Setting& setting);

// Text from an environment variable or a flag, read as the type of the setting; a list is separated by commas.
RawValue ReadText(const Setting& setting, std::string_view text);

// Puts `value` into `config` if the setting accepts it.
bool Assign(const Setting& setting, const RawValue& value, Config* config);

// The value as TOML: `"20m"`, `4`, `["a", "b"]`.
std::string ValueAsToml(const Setting& setting, const Config& config);

// What is wrong between settings that are right one by one; `errors` must stop the start, `warnings` need not.
struct Conflict {
  std::vector<std::string> keys;  // of the settings that do not go together
  std::string text;
};
struct Findings {
  std::vector<Conflict> errors;
  std::vector<std::string> warnings;
};
Findings CheckTogether(const Config& config);

// Every setting at its default, with comments, as a file to start from: deploy/tidemark.toml.
std::string ExampleFile();

// The reference for people, in Markdown: docs/settings.md.
std::string MarkdownReference();

// One line per setting, for `tidemark config --help`.
std::string SettingsHelp();

}  // namespace tidemark
