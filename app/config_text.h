// Durations and other setting values as people write them. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace tidemark {

// "20m", "1h30m", "250ms": whole numbers with the units d h m s ms, largest first, each at most once.
std::optional<Duration> ParseDuration(std::string_view text);
std::string FormatDuration(Duration duration);  // what ParseDuration reads; not below 0

// A list as a flag or an environment variable has it: `a, b` or, as in a file, `["a", "b"]`. Nothing: it is neither.
std::optional<std::vector<std::string>> ParseTextList(std::string_view text);

// A TOML basic string, with its quotes.
std::string QuoteToml(std::string_view text);

}  // namespace tidemark
