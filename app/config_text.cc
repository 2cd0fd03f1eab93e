#include "app/config_text.h"

#include <fmt/format.h>

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
