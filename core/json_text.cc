#include "core/json_text.h"

#include <array>
#include <charconv>
#include <cstring>

#include "core/timestamp.h"

namespace tidemark {
namespace {

bool NeedsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

using Bytes8 [[gnu::vector_size(8)]] = unsigned char;
using Bytes16 [[gnu::vector_size(16)]] = unsigned char;

template <typename Block>
bool AnyNeedsEscape(Block block) {
  const Block found = reinterpret_cast<Block>((block < 0x20) | (block == '"') | (block == '\\'));
  std::array<uint64_t, sizeof(block) / 8> words;
  std::memcpy(words.data(), &found, sizeof(found));
  uint64_t any = 0;
  for (const uint64_t word : words) any |= word;
  return any != 0;
}

// Copies a block of bytes and says whether one of them needs an escape.
template <typename Block>
bool CopyBlock(const char* from, char* to) {
  Block block;
  std::memcpy(&block, from, sizeof(block));
  std::memcpy(to, &block, sizeof(block));
  return AnyNeedsEscape(block);
}

// The same for four to eight bytes: the first four and the last four.
bool CopyFew(const char* from, size_t size, char* to) {
  uint32_t first;
  uint32_t last;
  std::memcpy(&first, from, sizeof(first));
  std::memcpy(&last, from + size - sizeof(last), sizeof(last));
  std::memcpy(to, &first, sizeof(first));
  std::memcpy(to + size - sizeof(last), &last, sizeof(last));
  const uint64_t both = first | uint64_t{last} << 32;
  Bytes8 block;
  std::memcpy(&block, &both, sizeof(block));
  return AnyNeedsEscape(block);
}

// Copies the part at the beginning of `text` that needs no escapes, in blocks, and returns its length. There must be
// room for all of `text`.
size_t CopyPlain(std::string_view text, char* to) {
  const char* const from = text.data();
  const size_t size = text.size();
  size_t i = 0;
  while (i + 16 <= size && !CopyBlock<Bytes16>(from + i, to + i)) i += 16;
  if (i + 16 > size) {  // what is left, together with some of what was copied before
    if (size >= 16) {
      if (!CopyBlock<Bytes16>(from + size - 16, to + size - 16)) return size;
    } else if (size >= 8) {
      const bool begins = CopyBlock<Bytes8>(from, to);
      const bool ends = CopyBlock<Bytes8>(from + size - 8, to + size - 8);
      if (!begins && !ends) return size;
    } else if (size >= 4) {
      if (!CopyFew(from, size, to)) return size;
    }
  }
  for (; i < size && !NeedsEscape(from[i]); ++i) to[i] = from[i];
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
