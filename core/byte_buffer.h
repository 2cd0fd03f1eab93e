// Short texts: copying, comparing and appending them without a call.
//
// ByteBuffer is bytes to append to: a std::string for the hot path. Room is asked for once and then written through a
// pointer, growing leaves the new bytes as they are, and a short text is copied without a call. It keeps its memory
// when it is cleared, so that a scratch buffer allocates nothing once it has seen its largest content. One thread at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace tidemark {

// Copies a text that is probably short. The places may not overlap.
inline void CopyShort(char* to, const char* from, size_t size) {
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    std::memcpy(to, from, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

// Whether two texts are the same; for short ones, where a call of memcmp costs more than the comparison.
inline bool SameText(std::string_view a, std::string_view b) {
  const auto differ = [&]<typename Word>(Word, size_t at) {
    Word x;
    Word y;
    std::memcpy(&x, a.data() + at, sizeof(x));
    std::memcpy(&y, b.data() + at, sizeof(y));
    return (x ^ y) != 0;
  };
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (differ(uint64_t{}, i)) return false;
    }
    return !differ(uint64_t{}, size - 8);
  }
  if (size >= 4) return !(differ(uint32_t{}, 0) || differ(uint32_t{}, size - 4));
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

class ByteBuffer {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  std::string_view view() const { return {bytes_.get(), size_}; }

  // A place for up to `count` more bytes. What is written there counts once EndAt has said how far it goes.
  char* Room(size_t count) {
    if (size_ + count > capacity_) Grow(count);
    return bytes_.get() + size_;
  }
  void EndAt(const char* end) { size_ = static_cast<size_t>(end - bytes_.get()); }

  void append(const char* text, size_t count) {
    CopyShort(Room(count), text, count);
    size_ += count;
  }
  void append(std::string_view text) { append(text.data(), text.size()); }
  ByteBuffer& operator+=(char c) {
    *Room(1) = c;
    ++size_;
    return *this;
  }
  ByteBuffer& operator+=(std::string_view text) {
    append(text);
    return *this;
  }

 private:
  void Grow(size_t count);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tidemark
