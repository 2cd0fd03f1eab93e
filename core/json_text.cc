#include "core/json_text.h"

#include <charconv>
#include <cstring>

#include "core/timestamp.h"

namespace tidemark {
namespace {

constexpr uint64_t Repeat(uint8_t byte) { return 0x0101010101010101ULL * byte; }

// Whether any of the eight bytes is zero.
constexpr uint64_t HasZero(uint64_t v) { return (v - Repeat(1)) & ~v & Repeat(0x80); }

bool NeedsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// For each byte that needs an escape, its highest bit. Bytes behind the first such one may be marked without need.
constexpr uint64_t NeedEscapes(uint64_t v) {
  const uint64_t control = (v - Repeat(0x20)) & ~v & Repeat(0x80);
  return control | HasZero(v ^ Repeat('"')) | HasZero(v ^ Repeat('\\'));
}

// Copies the part at the beginning of `text` that needs no escapes, eight bytes at a time, and returns its length.
// There must be room for all of `text`.
size_t CopyPlain(std::string_view text, char* to) {
  size_t i = 0;
  const auto copy_eight = [&](size_t at) {
    uint64_t v;
    std::memcpy(&v, text.data() + at, 8);
    std::memcpy(to + at, &v, 8);
    return NeedEscapes(v) == 0;
  };
  while (i + 8 <= text.size() && copy_eight(i)) i += 8;
  if (i + 8 > text.size() && text.size() >= 8 && copy_eight(text.size() - 8)) return text.size();
  for (; i < text.size() && !NeedsEscape(text[i]); ++i) to[i] = text[i];
  return i;
}

char* PutEscape(char c, char* p) {
  static constexpr char kHex[] = "0123456789abcdef";
  static constexpr std::string_view kShort = "\"\\\n\r\t";
  const size_t which = kShort.find(c);
  *p++ = '\\';
  if (which != std::string_view::npos) {
    *p++ = "\"\\nrt"[which];
    return p;
  }
  for (const char digit : {'u', '0', '0', kHex[(c >> 4) & 0xF], kHex[c & 0xF]}) *p++ = digit;
  return p;
}

constexpr size_t kLongestEscape = 6;

// The text with its escapes, at `p`, where there is room for it.
char* PutEscaped(std::string_view text, char* p) {
  for (;;) {
    const size_t plain = CopyPlain(text, p);
    p += plain;
    if (plain == text.size()) return p;
    p = PutEscape(text[plain], p);
    text.remove_prefix(plain + 1);
  }
}

// Appends digits, where a buffer has room for them.
constexpr size_t kLongestInteger = 20;
char* PutInteger(int64_t value, char* p) { return std::to_chars(p, p + kLongestInteger, value).ptr; }

}  // namespace

void AppendJsonString(std::string_view text, ByteBuffer& out) { AppendJsonString(text, {}, out); }

void AppendJsonString(std::string_view begin, std::string_view rest, ByteBuffer& out) {
  char* p = out.Room(kLongestEscape * (begin.size() + rest.size()) + 2);
  *p++ = '"';
  p = PutEscaped(begin, p);
  p = PutEscaped(rest, p);
  *p++ = '"';
  out.EndAt(p);
}

void AppendJsonKey(std::string_view name, ByteBuffer& out) {
  char* p = out.Room(name.size() + 3);
  *p++ = '"';
  CopyShort(p, name.data(), name.size());
  p += name.size();
  *p++ = '"';
  *p++ = ':';
  out.EndAt(p);
}

void AppendJsonTime(EventTime time, ByteBuffer& out) {
  char* p = out.Room(kLongestTimestamp + 2);
  *p++ = '"';
  p = PutTimestamp(time, p);
  *p++ = '"';
  out.EndAt(p);
}

void AppendInteger(int64_t value, ByteBuffer& out) { out.EndAt(PutInteger(value, out.Room(kLongestInteger))); }

void AppendInteger(int64_t value, std::string& out) {
  char digits[kLongestInteger];
  out.append(digits, PutInteger(value, digits));
}

}  // namespace tidemark
