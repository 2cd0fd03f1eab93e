#include "core/document.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace tidemark {
namespace {

constexpr size_t kInitialCapacity = size_t{64} << 10;
constexpr uint32_t kSentinels = 4;  // simdjson's index has room for more than these behind its end

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

const char* SkipDigits(const char* p, const char* end) {
  while (p != end && IsDigit(*p)) ++p;
  return p;
}

// RFC 8259's number, the whole of it.
bool IsNumberText(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  if (p != end && *p == '-') ++p;
  const char* const whole = p;
  p = SkipDigits(p, end);
  if (p == whole || (*whole == '0' && p - whole > 1)) return false;
  if (p != end && *p == '.') {
    const char* const fraction = ++p;
    p = SkipDigits(p, end);
    if (p == fraction) return false;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    const char* const exponent = p;
    p = SkipDigits(p, end);
    if (p == exponent) return false;
  }
  return p == end;
}

constexpr uint64_t kOnes = 0x0101010101010101;

// Up to seven characters behind leading zeros, as a word whose lowest byte comes first.
constexpr uint64_t Padded(std::string_view text) {
  uint64_t word = 0;
  for (size_t i = 0; i < 8; ++i) {
    const char c = i < 8 - text.size() ? '0' : text[i - (8 - text.size())];
    word |= static_cast<uint64_t>(c) << (i * 8);
  }
  return word;
}

constexpr bool AreDigits(uint64_t word) {
  return (((word + (0x7F - '9') * kOnes) | (word - '0' * kOnes) | word) & (0x80 * kOnes)) == 0;
}

// Four hexadecimal digits at p, or -1. There must be four bytes.
int32_t HexDigits(const char* p) {
  uint32_t value = 0;
  const auto [stop, error] = std::from_chars(p, p + 4, value, 16);
  return error == std::errc{} && stop == p + 4 ? static_cast<int32_t>(value) : -1;
}

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

char SimpleEscape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // quote, backslash, slash
  }
}

}  // namespace

Document::Document() {
  const auto error =
      simdjson::get_active_implementation()->create_dom_parser_implementation(kInitialCapacity, 1, stage1_);
  if (error != simdjson::SUCCESS) throw std::bad_alloc();
}

Document::~Document() = default;

Document::Fault Document::Parse(std::string_view json) {
  json_ = json.data();
  end_ = json_ + json.size();
  if (!unescaped_.empty()) unescaped_.clear();  // which takes a deque a while even where there is nothing
  if (json.size() >= stage1_->capacity() && stage1_->set_capacity(json.size() * 2) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
  const auto error =
      stage1_->stage1(reinterpret_cast<const uint8_t*>(json_), json.size(), simdjson::stage1_mode::regular);
  index_ = stage1_->structural_indexes.get();
  count_ = stage1_->n_structural_indexes;
  const bool good = error == simdjson::SUCCESS && CheckStructure() && CheckEscapes();
  if (good) return Fault::kNone;
  return simdjson::validate_utf8(json.data(), json.size()) ? Fault::kInvalidJson : Fault::kInvalidUtf8;
}

// A loop over the grammar. The brackets we are inside of are a chain through match_, so depth costs no stack.
//
// Behind the last structural the index goes on with the first one's place, an opening brace: it is nowhere what comes
// next, but for a value, and there it is not what comes after that. So the end of the index need not be looked for.
bool Document::CheckStructure() {
  if (count_ == 0 || At(0) != '{') return false;
  std::fill_n(stage1_->structural_indexes.get() + count_, kSentinels, index_[0]);
  if (match_.size() < count_ + kSentinels) match_.resize(size_t{2} * (count_ + kSentinels));
  constexpr Node kOutside = UINT32_MAX;
  const char* const json = json_;  // these three in registers
  const uint32_t* const index = index_;
  Node* const match = match_.data();
  const auto at = [&](Node n) { return json[index[n]]; };
  Node inside = kOutside;  // the innermost open bracket
  bool in_object = false;
  for (Node i = 0;; ++i) {
    if (in_object) {
      if (at(i) != '"' || at(i + 1) != ':') return false;
      i += 2;
    }
    const char c = at(i);
    if (c != '"') {
      if (c == '{' || c == '[') {
        match[i] = std::exchange(inside, i);
        in_object = c == '{';
        if (at(i + 1) != (in_object ? '}' : ']')) continue;
      } else if (!IsUsualScalar(json + index[i], json + index[i + 1]) && !CheckScalar(i)) {
        return false;
      }
    }
    // After a value: close what ends here, up to the next comma.
    for (++i; at(i) != ','; ++i) {
      if (at(i) != (in_object ? '}' : ']')) return false;
      inside = std::exchange(match[inside], i);
      if (inside == kOutside) return i + 1 == count_;
      in_object = at(inside) == '{';
    }
  }
}

// The text of a scalar other than a string. The root is an object, so a structural follows every scalar.
std::string_view Document::ScalarText(Node n) const {
  const char* const begin = json_ + index_[n];
  const char* end = json_ + index_[n + 1];
  while (end != begin && IsBlank(end[-1])) --end;
  return {begin, static_cast<size_t>(end - begin)};
}

bool Document::CheckScalar(Node n) const {
  if (n + 1 >= count_) return false;
  const std::string_view text = ScalarText(n);
  return text == "true" || text == "false" || text == "null" || IsNumberText(text);
}

// A literal or a whole number of up to seven digits, and nothing else between `begin` and `next`, where the next
// structural is: so nearly all scalars are told without a loop. False means nothing.
bool Document::IsUsualScalar(const char* begin, const char* next) const {
  uint64_t word;
  const auto size = static_cast<size_t>(next - begin);
  if (size >= sizeof(word) || begin + sizeof(word) > end_) return false;
  std::memcpy(&word, begin, sizeof(word));
  const auto unused = static_cast<unsigned>(sizeof(word) - size) * 8;
  word = word << unused | ('0' * kOnes) >> (64 - unused);  // the text behind leading zeros, the last one highest
  if (static_cast<int>(word == Padded("true")) | (word == Padded("false")) | (word == Padded("null"))) {
    return *begin != '0';  // that would be one of its own, as in 0true
  }
  return AreDigits(word) && (size == 1 || *begin != '0');
}

// Every backslash of a document whose structure holds is inside a string. Notes where the first and the last one are.
bool Document::CheckEscapes() {
  const auto next_from = [this](const char* p) {
    const void* const found = std::memchr(p, '\\', static_cast<size_t>(end_ - p));
    return found == nullptr ? end_ : static_cast<const char*>(found);
  };
  first_escape_ = last_escape_ = next_from(json_);
  for (const char* p = first_escape_; p != end_; p = next_from(p + 2)) {
    last_escape_ = p;
    if (p[1] == 'u') {
      if (end_ - p < 6 || HexDigits(p + 2) < 0) return false;
    } else if (p[1] == '\0' || std::strchr("\"\\/bfnrt", p[1]) == nullptr) {
      return false;
    }
  }
  return true;
}

std::optional<std::string_view> Document::Unescape(std::string_view raw) const {
  if (std::memchr(raw.data(), '\\', raw.size()) == nullptr) return raw;
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size();) {
    if (raw[i] != '\\') {
      out += raw[i++];
      continue;
    }
    if (raw[i + 1] != 'u') {
      out += SimpleEscape(raw[i + 1]);
      i += 2;
      continue;
    }
    auto code = static_cast<uint32_t>(HexDigits(raw.data() + i + 2));
    i += 6;
    if (code >= 0xD800 && code < 0xE000) {
      const bool pair = code < 0xDC00 && raw.substr(i, 2) == "\\u";
      const auto low = pair ? static_cast<uint32_t>(HexDigits(raw.data() + i + 2)) : 0;
      if (low < 0xDC00 || low >= 0xE000) return std::nullopt;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      i += 6;
    }
    AppendUtf8(code, out);
  }
  return unescaped_.emplace_back(std::move(out));
}

std::optional<bool> Document::Bool(Node n) const {
  if (At(n) == 't') return true;
  if (At(n) == 'f') return false;
  return std::nullopt;
}

std::optional<std::string_view> Document::NumberText(Node n) const {
  if (!IsNumber(n)) return std::nullopt;
  return ScalarText(n);
}

std::optional<int64_t> Document::Integer(Node n) const {
  if (!IsNumber(n)) return std::nullopt;
  const std::string_view text = ScalarText(n);
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view Document::Raw(Node first, Node last) const {
  const char* const begin = json_ + index_[first];
  if (!IsObject(last) && !IsArray(last) && !IsString(last)) {
    const std::string_view scalar = ScalarText(last);
    return {begin, static_cast<size_t>(scalar.data() + scalar.size() - begin)};
  }
  const char* end = json_ + index_[End(last)];
  if (IsString(last)) {
    end = json_ + index_[last + 1] - 1;
    while (*end != '"') --end;
  }
  return {begin, static_cast<size_t>(end + 1 - begin)};
}

}  // namespace tidemark
