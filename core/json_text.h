// Writing JSON text: strings with their escapes, keys, integers. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/byte_buffer.h"
#include "core/types.h"

namespace tidemark {

// Appends `text` (valid UTF-8) in quotes, escaping what JSON demands.
void AppendJsonString(std::string_view text, ByteBuffer& out);

// The same for a text in two parts.
void AppendJsonString(std::string_view begin, std::string_view rest, ByteBuffer& out);

// Appends `"name":`. `name` needs no escapes.
void AppendJsonKey(std::string_view name, ByteBuffer& out);

// Appends the time in quotes.
void AppendJsonTime(EventTime time, ByteBuffer& out);

void AppendInteger(int64_t value, ByteBuffer& out);
void AppendInteger(int64_t value, std::string& out);

}  // namespace tidemark
