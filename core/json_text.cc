#include "core/json_text.h"

#include <charconv>
#include <cstring>

namespace tidemark {
namespace {

constexpr uint64_t Repeat(uint8_t byte) { return 0x0101010101010101ULL * byte; }

// Whether any of the eight bytes is zero.
constexpr uint64_t HasZero(uint64_t v) { return (v - Repeat(1)) & ~v & Repeat(0x80); }

bool NeedsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// The length of the part at the beginning of `text` that can be copied as it is; eight bytes at a time.
size_t PlainPrefix(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t v;
    std::memcpy(&v, text.data() + i, 8);
    const uint64_t control = (v - Repeat(0x20)) & ~v & Repeat(0x80);
    if ((control | HasZero(v ^ Repeat('"')) | HasZero(v ^ Repeat('\\'))) != 0) break;
  }
  while (i < text.size() && !NeedsEscape(text[i])) ++i;
  return i;
}

void AppendEscape(char c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[(c >> 4) & 0xF];
      out += kHex[c & 0xF];
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (;;) {
    const size_t plain = PlainPrefix(text);
    out.append(text.data(), plain);
    if (plain == text.size()) break;
    AppendEscape(text[plain], out);
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

void AppendJsonKey(std::string_view name, std::string& out) {
  out += '"';
  out.append(name.data(), name.size());
  out += "\":";
}

void AppendInteger(int64_t value, std::string& out) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  out.append(digits, end);
}

}  // namespace tidemark
