// Writing JSON text: strings with their escapes, keys, integers. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/byte_buffer.h"
#include "core/types.h"

namespace tidemark {

// Appends `text` (valid UTF-8) in quotes, escaping what JSON demands.
void AppendJsonString(std::string_view text, ByteBuffer& out);

// The same for a text in two parts.
void AppendJsonString(std::string_view begin, std::string_view rest, ByteBuffer& out);

// `"name":` of a name that is known when this is compiled, needs no escapes and has 28 characters at most. It is copied
// as one block of constant size, so that no branch depends on the name's length. Made for template arguments: those are
// constants in memory, where a temporary would be put together on the stack each time. (Hence the public members.)
struct JsonKey {
  static constexpr size_t kRoom = 32;

  template <size_t kSize>
  consteval JsonKey(const char (&name)[kSize]) : size(kSize + 2) {  // NOLINT(google-explicit-constructor)
    static_assert(kSize + 2 < kRoom);
    text[0] = '"';
    for (size_t i = 0; i + 1 < kSize; ++i) text[i + 1] = name[i];
    text[kSize] = '"';
    text[kSize + 1] = ':';
  }

  constexpr std::string_view name() const { return {text + 1, size - 3}; }

  // Writes it at `p`, where there are kRoom bytes, and returns where it ends.
  char* Put(char* p) const {
    std::memcpy(p, text, kRoom);
    return p + size;
  }

  char text[kRoom] = {};
  size_t size;
};

// Appends the time in quotes.
void AppendJsonTime(EventTime time, ByteBuffer& out);

void AppendInteger(int64_t value, ByteBuffer& out);
void AppendInteger(int64_t value, std::string& out);

}  // namespace tidemark
