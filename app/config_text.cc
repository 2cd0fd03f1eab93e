#include "app/config_text.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <limits>

namespace tidemark {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};

constexpr Unit kUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr int64_t kLongestMs = std::numeric_limits<int64_t>::max() / static_cast<int64_t>(std::size(kUnits));
constexpr int64_t kNoLargerUnit = std::numeric_limits<int64_t>::max();

const Unit* UnitNamed(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// Takes one number with its unit off the front of `text`: its length, or nothing when there is none.
std::optional<int64_t> TakePart(std::string_view* text, int64_t* unit_ms) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc()) return std::nullopt;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  const std::string_view name = text->substr(0, text->find_first_not_of("dhms"));
  const Unit* unit = UnitNamed(name);
  if (unit == nullptr) return std::nullopt;
  if (number < 0 || number > kLongestMs / unit->ms) return std::nullopt;
  text->remove_prefix(name.size());
  *unit_ms = unit->ms;
  return number * unit->ms;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Duration total;
  int64_t unit_before = kNoLargerUnit;
  while (!text.empty()) {
    int64_t unit_ms = 0;
    const std::optional<int64_t> part = TakePart(&text, &unit_ms);
    if (!part || unit_ms >= unit_before) return std::nullopt;
    total = total + Milliseconds(*part);
    unit_before = unit_ms;
  }
  return total;
}

std::string FormatDuration(Duration duration) {
  if (duration.ms == 0) return "0s";
  const bool in_days = duration.ms >= 2 * kUnits[0].ms;  // one day is "24h"
  std::string text;
  int64_t rest = duration.ms;
  for (const Unit& unit : kUnits) {
    if (unit.ms > rest || (unit.name == "d" && !in_days)) continue;
    text += fmt::format("{}{}", rest / unit.ms, unit.name);
    rest %= unit.ms;
  }
  return text;
}

std::optional<std::vector<std::string>> ParseTextList(std::string_view text) {
  std::vector<std::string> items;
  text = Trimmed(text);
  if (text.starts_with('[')) {
    try {
      const toml::table table = toml::parse(fmt::format("list = {}", text));
      const toml::array* const list = table["list"].as_array();
      for (const toml::node& item : *list) {
        const auto string = item.value_exact<std::string>();
        if (!string) return std::nullopt;
        items.push_back(*string);
      }
      return table.size() == 1 ? std::optional(items) : std::nullopt;
    } catch (const toml::parse_error&) {  // how toml++ reports; goes no further
      return std::nullopt;
    }
  }
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    items.emplace_back(Trimmed(text.substr(0, comma)));
    if (items.back().starts_with('"')) return std::nullopt;  // as in a file, but without its brackets
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::string QuoteToml(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += fmt::format("\\{}", c);
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\u{:04X}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace tidemark
