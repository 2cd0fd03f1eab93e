// One JSON document, checked completely and open for navigation, without copying a byte of it.
//
// simdjson's first stage finds the structural characters of the bytes where they are (and checks UTF-8, quotes and
// control characters). Our own second pass walks that index once: it checks every bracket, comma, colon, number,
// literal and escape, so that whatever Parse accepts is JSON in full, and it notes for each bracket where its partner
// is, so that reading afterwards can step over any value in one jump. On-Demand parsing is not used: it accepts
// broken structure in what it skips.
//
// This is the only file pair that includes simdjson's internals. Values are addressed by Node, the place in the
// structural index. Strings are views into the caller's bytes, or into the document's own scratch where they had
// escapes; both are valid until the next Parse. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_buffer.h"

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace tidemark {

// A value's place in its document. 0, the root, stands for "no value" wherever a member is meant.
using Node = uint32_t;
inline constexpr Node kNoNode = 0;

class Document {
 public:
  enum class Fault : uint8_t { kNone, kInvalidJson, kInvalidUtf8 };

  Document();
  ~Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // Checks `json` in full. It must be one object with nothing but white space around it. Nothing outside `json` is
  // read. Bad UTF-8 is reported before anything else.
  Fault Parse(std::string_view json);

  static constexpr Node root() { return 0; }
  size_t size() const { return static_cast<size_t>(end_ - json_); }  // in bytes

  bool IsObject(Node n) const { return At(n) == '{'; }
  bool IsArray(Node n) const { return At(n) == '['; }
  bool IsString(Node n) const { return At(n) == '"'; }
  bool IsNull(Node n) const { return At(n) == 'n'; }
  bool IsNumber(Node n) const { return At(n) == '-' || (At(n) >= '0' && At(n) <= '9'); }

  // The unescaped string; nothing for any other type and for a string with a lone surrogate escape.
  std::optional<std::string_view> String(Node n) const {
    if (!IsString(n)) return std::nullopt;
    const std::string_view raw = RawString(n);
    if (MayHaveEscapes(raw)) return Unescape(raw);
    return raw;
  }
  std::optional<bool> Bool(Node n) const;
  // A whole number as the contract means it: digits and a sign, no fraction, no exponent, within 64 bits.
  std::optional<int64_t> Integer(Node n) const;
  // A number's text as it was written.
  std::optional<std::string_view> NumberText(Node n) const;

  // The bytes of a value, brackets and quotes included.
  std::string_view Raw(Node n) const { return Raw(n, n); }
  // The bytes from the first of two values of an object on to the end of the last.
  std::string_view Raw(Node first, Node last) const;

  // Whether `value` is that of the member right behind the one whose value is `before`.
  bool Follows(Node before, Node value) const { return value == NextSibling(before) + 2; }

  // Calls visit(key, value) for each member in order; repeated keys come again. A key with a lone surrogate escape is
  // no string, so its member is passed over.
  template <typename Visit>
  void ForEachMember(Node object, Visit&& visit) const {
    for (Node i = object + 1; i < match_[object];) {
      const std::optional<std::string_view> key = String(i);
      const Node value = i + 2;
      if (key) visit(*key, value);
      i = NextSibling(value);
    }
  }

  // The same for members whose key is looked up in a NameTable: visit(what Find returns, value).
  template <typename Names, typename Visit>
  void ForEachMember(Node object, const Names& names, Visit&& visit) const {
    const Node close = match_[object];
    for (Node i = object + 1; i < close;) {
      const std::string_view key = RawString(i);
      const Node value = i + 2;
      if (MayHaveEscapes(key) || key.data() + Names::kReadable > end_) [[unlikely]] {
        if (const std::optional<std::string_view> text = Unescape(key)) visit(names.Find(*text), value);
      } else {
        visit(names.Find(key.data(), key.size()), value);
      }
      i = NextSibling(value);
    }
  }

  // Whether the object's members are just these, written without escapes and in this order. Then `values` has theirs.
  template <size_t kCount>
  bool HasMembers(Node object, const std::array<std::string_view, kCount>& names,
                  std::array<Node, kCount>& values) const {
    Node i = object + 1;
    for (size_t k = 0; k < kCount; ++k) {
      if (i >= match_[object] || !IsPlainKey(i, names[k])) return false;
      values[k] = i + 2;
      i = NextSibling(values[k]);
    }
    return i > match_[object];
  }

  // Calls visit(value) for each element in order.
  template <typename Visit>
  void ForEachElement(Node array, Visit&& visit) const {
    for (Node i = array + 1; i < match_[array]; i = NextSibling(i)) visit(i);
  }

 private:
  char At(Node n) const { return json_[index_[n]]; }
  // What is between a string's quotes.
  std::string_view RawString(Node n) const {
    const char* const begin = json_ + index_[n] + 1;
    const char* end = json_ + index_[n + 1] - 1;
    while (*end != '"') --end;  // blanks between the closing quote and the next structural
    return {begin, static_cast<size_t>(end - begin)};
  }
  bool IsPlainKey(Node n, std::string_view name) const {
    const char* const begin = json_ + index_[n] + 1;
    return begin + name.size() < end_ && begin[name.size()] == '"' && SameText({begin, name.size()}, name);
  }
  bool MayHaveEscapes(std::string_view raw) const {
    return raw.data() + raw.size() > first_escape_ && raw.data() <= last_escape_;
  }
  Node End(Node n) const { return At(n) == '{' || At(n) == '[' ? match_[n] : n; }
  // What follows a value and its comma; the closing bracket's place (or behind it) after the last one.
  Node NextSibling(Node value) const { return End(value) + 2; }

  bool CheckStructure();
  bool CheckScalar(Node n) const;
  bool IsUsualScalar(const char* begin, const char* next) const;
  bool CheckEscapes();
  std::string_view ScalarText(Node n) const;
  std::optional<std::string_view> Unescape(std::string_view raw) const;

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1_;
  const char* json_ = nullptr;
  const char* end_ = nullptr;
  const uint32_t* index_ = nullptr;  // positions of the structural characters, count_ of them
  uint32_t count_ = 0;
  const char* first_escape_ = nullptr;  // strings before it and behind the last one have none
  const char* last_escape_ = nullptr;
  std::vector<Node> match_;  // for an opening bracket: the place of its closing one
  mutable std::deque<std::string> unescaped_;
};

}  // namespace tidemark
