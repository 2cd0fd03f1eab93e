// Fuzz input as a list of edits of something valid: random bytes by themselves would hardly ever get past the first
// check. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::fuzz {

class EditScript {
 public:
  EditScript(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}

  bool done() const { return data_ == end_; }
  uint8_t Byte() { return done() ? 0 : *data_++; }
  // A number below `limit`, 0 if that is 0.
  size_t Below(size_t limit) {
    const size_t value = Byte() | static_cast<size_t>(Byte()) << 8;
    return limit == 0 ? 0 : value % limit;
  }

  // One edit of a list of texts: bytes changed, cut off, put in; texts left out, doubled, swapped.
  void Edit(std::vector<std::string>& texts) {
    const uint8_t what = Byte() % 8;
    if (texts.empty()) return;
    const size_t place = Below(texts.size());
    std::string& text = texts[place];
    switch (what) {
      case 0:
        text.resize(Below(text.size() + 1));
        break;
      case 1:
        texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(place));
        break;
      case 2:
        texts.insert(texts.begin() + static_cast<std::ptrdiff_t>(place), std::string(texts[Below(texts.size())]));
        break;
      case 3:
        std::swap(text, texts[Below(texts.size())]);
        break;
      case 4:
        text.insert(Below(text.size() + 1), 1, static_cast<char>(Byte()));
        break;
      default:
        if (!text.empty()) text[Below(text.size())] = static_cast<char>(Byte());
        break;
    }
  }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

}  // namespace tidemark::fuzz
