// Writing JSON text: strings with their escapes, keys, integers. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

// Appends `text` (valid UTF-8) in quotes, escaping what JSON demands.
void AppendJsonString(std::string_view text, std::string& out);

// Appends `"name":`. `name` needs no escapes.
void AppendJsonKey(std::string_view name, std::string& out);

void AppendInteger(int64_t value, std::string& out);

}  // namespace tidemark
