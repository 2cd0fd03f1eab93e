#include "tests/model/random_text.h"

#include <fmt/format.h>

#include <string_view>

namespace tidemark::model {
namespace {

// The code point that starts at `*i`, which moves behind it.
uint32_t NextCodePoint(const std::string& text, size_t* i) {
  const auto byte = [&] { return static_cast<unsigned char>(text[(*i)++]); };
  const uint32_t lead = byte();
  if (lead < 0x80) return lead;
  const int following = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  uint32_t code = lead & (0x3Fu >> following);
  for (int k = 0; k < following; ++k) code = code << 6 | (byte() & 0x3Fu);
  return code;
}

std::string Escaped(Random& random, uint32_t code) {
  const auto unit = [&](uint32_t u) {
    return random.Percent(50) ? fmt::format("\\u{:04x}", u) : fmt::format("\\u{:04X}", u);
  };
  if (code < 0x10000) return unit(code);
  return unit(0xD800 + ((code - 0x10000) >> 10)) + unit(0xDC00 + ((code - 0x10000) & 0x3FF));
}

std::string DeepNesting(Random& random) {
  const auto depth = static_cast<size_t>(random.Percent(5) ? random.Between(200, 300) : random.Between(1, 40));
  std::string open;
  std::string close;
  for (size_t i = 0; i < depth; ++i) {
    const bool list = random.Percent(50);
    open += list ? "[" : "{\"d\":";
    close.insert(close.begin(), list ? ']' : '}');
  }
  return open + "1" + close;
}

}  // namespace

std::string Quote(Random& random, const std::string& text) {
  const int64_t eagerness = random.Percent(15) ? 30 : 0;
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    const uint32_t code = NextCodePoint(text, &i);
    const bool must = code < 0x20 || code == '"' || code == '\\';
    if (code == '"' && random.Percent(50)) {
      quoted += "\\\"";
    } else if (code == '\n' && random.Percent(50)) {
      quoted += "\\n";
    } else if (code == '/' && random.Percent(eagerness)) {
      quoted += "\\/";
    } else if (must || random.Percent(eagerness)) {
      quoted += Escaped(random, code);
    } else {
      quoted += text.substr(start, i - start);
    }
  }
  return quoted + "\"";
}

std::string OddValue(Random& random) {
  static const std::vector<std::string> kValues = {"null",
                                                   "true",
                                                   "false",
                                                   "0",
                                                   "-1",
                                                   "5",
                                                   "900.0",
                                                   "1e3",
                                                   "2147483647",
                                                   "2147483648",
                                                   "-2147483648",
                                                   "-2147483649",
                                                   "12345678901234567890",
                                                   "0.5",
                                                   "\"\"",
                                                   "\"5\"",
                                                   "\"true\"",
                                                   "{}",
                                                   "[]",
                                                   "[\"a\"]",
                                                   "[\"a\",1]",
                                                   "[null]",
                                                   "{\"a\":1}",
                                                   "{\"id\":null}",
                                                   "\"\\ud800\"",
                                                   "\"a\\udc00b\"",
                                                   "\"\\ud83d\\u0041\"",
                                                   "\"\\u0000\"",
                                                   "[[]]",
                                                   "[\"\\ud800\"]",
                                                   "{\"\\ud800\":\"a\"}"};
  return random.Percent(5) ? DeepNesting(random) : random.Pick(kValues);
}

std::string AnyText(Random& random) {
  static const std::vector<std::string> kPlain = {"a", "b", "c", "alpha", "beta", "https://shop.example/x?y=1#z"};
  static const std::vector<std::string> kOdd = {
      "", "ä€", "😀", "a\"b\\c\n", std::string("n\0l", 3), "\x7f", " a", "{\"[,:", "e\u0301", "\uffff", "a/b", "Z"};
  return random.Percent(80) ? random.Pick(kPlain) : random.Pick(kOdd);
}

std::string AnyString(Random& random) { return Quote(random, AnyText(random)); }

ObjectText& ObjectText::Add(const std::string& key, const std::string& value) {
  if (random_.Percent(2)) return *this;
  return AddExactly(key, random_.Percent(4) ? OddValue(random_) : value);
}

ObjectText& ObjectText::AddExactly(const std::string& key, const std::string& value) {
  members_.emplace_back(key, value);
  return *this;
}

std::string ObjectText::Space() {
  static const std::vector<std::string> kSpaces = {" ", "  ", "\t", "\r", " \t "};
  return random_.Percent(3) ? random_.Pick(kSpaces) : "";
}

std::string ObjectText::Write() {
  if (random_.Percent(30)) {
    for (size_t i = members_.size(); i > 1; --i) {
      std::swap(members_[i - 1], members_[static_cast<size_t>(random_.Below(static_cast<int64_t>(i)))]);
    }
  }
  std::string text = "{" + Space();
  bool first = true;
  const auto write = [&](const std::string& key, const std::string& value) {
    if (!first) text += "," + Space();
    first = false;
    text += Quote(random_, key) + Space() + ":" + Space() + value + Space();
  };
  for (const auto& [key, value] : members_) {
    if (random_.Percent(2)) write(key, random_.Percent(50) ? OddValue(random_) : AnyString(random_));
  }
  if (random_.Percent(2)) write("unknown", OddValue(random_));
  for (const auto& [key, value] : members_) write(key, value);
  return text + "}";
}

}  // namespace tidemark::model
