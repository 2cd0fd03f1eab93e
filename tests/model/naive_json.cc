#include "tests/model/naive_json.h"

#include <cstdint>
#include <cstdlib>

namespace tidemark::model {
namespace {

using nlohmann::json;

// Reads one value by recursive descent. Every function returns false (and leaves the position anywhere) on bad JSON.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool Document(json* value) {
    if (!Value(value)) return false;
    SkipSpace();
    return position_ == text_.size();
  }

 private:
  struct String {
    std::string bytes;
    bool lone_surrogate = false;
  };

  bool AtEnd() const { return position_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[position_]; }

  bool Take(std::string_view expected) {
    if (text_.substr(position_, expected.size()) != expected) return false;
    position_ += expected.size();
    return true;
  }

  void SkipSpace() {
    while (!AtEnd() && std::string_view(" \t\r\n").find(Peek()) != std::string_view::npos) ++position_;
  }

  bool Value(json* value) {
    SkipSpace();
    switch (Peek()) {
      case '{':
        return Object(value);
      case '[':
        return Array(value);
      case '"':
        return StringValue(value);
      case 't':
        *value = true;
        return Take("true");
      case 'f':
        *value = false;
        return Take("false");
      case 'n':
        *value = nullptr;
        return Take("null");
      default:
        return Number(value);
    }
  }

  bool Object(json* value) {
    *value = json::object();
    Take("{");
    SkipSpace();
    if (Take("}")) return true;
    do {
      String key;
      json member;
      SkipSpace();
      if (!ReadString(&key)) return false;
      SkipSpace();
      if (!Take(":") || !Value(&member)) return false;
      if (!key.lone_surrogate) (*value)[key.bytes] = std::move(member);
      SkipSpace();
    } while (Take(","));
    return Take("}");
  }

  bool Array(json* value) {
    *value = json::array();
    Take("[");
    SkipSpace();
    if (Take("]")) return true;
    do {
      json element;
      if (!Value(&element)) return false;
      value->push_back(std::move(element));
      SkipSpace();
    } while (Take(","));
    return Take("]");
  }

  bool StringValue(json* value) {
    String string;
    if (!ReadString(&string)) return false;
    *value = string.lone_surrogate ? json::binary({}) : json(string.bytes);
    return true;
  }

  bool ReadString(String* string) {
    if (!Take("\"")) return false;
    while (!AtEnd()) {
      const char c = text_[position_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        string->bytes += c;
      } else if (!Escape(string)) {
        return false;
      }
    }
    return false;
  }

  bool Escape(String* string) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (AtEnd()) return false;
    const char name = text_[position_++];
    if (name == 'u') return UnicodeEscape(string);
    const size_t index = kNames.find(name);
    if (index == std::string_view::npos) return false;
    string->bytes += kMeanings[index];
    return true;
  }

  bool UnicodeEscape(String* string) {
    uint32_t code = 0;
    if (!FourHexDigits(&code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      const size_t behind_first = position_;
      uint32_t low = 0;
      const bool escape_follows = Take("\\u");
      if (escape_follows && !FourHexDigits(&low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        AppendUtf8(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), &string->bytes);
        return true;
      }
      position_ = behind_first;  // what follows stands for itself
    }
    if (code >= 0xD800 && code < 0xE000) {
      string->lone_surrogate = true;
    } else {
      AppendUtf8(code, &string->bytes);
    }
    return true;
  }

  bool FourHexDigits(uint32_t* code) {
    *code = 0;
    for (int i = 0; i < 4; ++i) {
      if (AtEnd()) return false;
      const char c = text_[position_++];
      const size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
      const bool letter_or_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!letter_or_digit) return false;
      *code = *code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  static void AppendUtf8(uint32_t code, std::string* bytes) {
    const auto add = [bytes](uint32_t byte) { *bytes += static_cast<char>(byte); };
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xC0 | (code >> 6));
      add(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      add(0xE0 | (code >> 12));
      add(0x80 | ((code >> 6) & 0x3F));
      add(0x80 | (code & 0x3F));
    } else {
      add(0xF0 | (code >> 18));
      add(0x80 | ((code >> 12) & 0x3F));
      add(0x80 | ((code >> 6) & 0x3F));
      add(0x80 | (code & 0x3F));
    }
  }

  bool Digits() {
    const size_t start = position_;
    while (Peek() >= '0' && Peek() <= '9') ++position_;
    return position_ > start;
  }

  bool Number(json* value) {
    const size_t start = position_;
    bool integer = true;
    Take("-");
    if (!Take("0") && !Digits()) return false;
    if (Take(".")) {
      integer = false;
      if (!Digits()) return false;
    }
    if (Take("e") || Take("E")) {
      integer = false;
      if (!Take("+")) Take("-");
      if (!Digits()) return false;
    }
    const std::string token(text_.substr(start, position_ - start));
    errno = 0;
    const int64_t whole = std::strtoll(token.c_str(), nullptr, 10);
    if (integer && errno == 0) {
      *value = whole;
    } else {
      *value = std::strtod(token.c_str(), nullptr);
    }
    return true;
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

bool IsValidUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
    const uint32_t lead = byte(i);
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0) return false;
    uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (size_t k = 1; k < length; ++k) {
      if (byte(i + k) >> 6 != 2) return false;
      code = code << 6 | (byte(i + k) & 0x3F);
    }
    static constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    i += length;
  }
  return true;
}

std::optional<nlohmann::json> ReadJson(std::string_view text) {
  json value;
  if (!Reader(text).Document(&value)) return std::nullopt;
  return value;
}

const nlohmann::json& Member(const nlohmann::json& object, std::string_view key) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(std::string(key));
  return found == object.end() ? kNone : *found;
}

std::string Text(const nlohmann::json& object, const std::string& key) {
  const json& member = Member(object, key);
  return member.is_string() ? member.get<std::string>() : std::string();
}

}  // namespace tidemark::model
