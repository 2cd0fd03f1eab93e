// The byte format in which a session keeps its values: varints, length-prefixed strings, fixed 64-bit times.
// Written by Packer, read back by Unpacker; no padding, no pointers, so that a block of values can be moved, compared
// and stored as it is. Unpacker trusts its bytes: it only ever reads what Packer wrote in this process.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/types.h"

namespace tidemark {

class Packer {
 public:
  // Appends to `out`, which must outlive the packer.
  explicit Packer(std::string& out) : out_(out) {}

  void Byte(uint8_t value) { out_ += static_cast<char>(value); }
  void Varint(uint64_t value) {
    while (value >= 0x80) {
      Byte(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    Byte(static_cast<uint8_t>(value));
  }
  void Text(std::string_view text) {
    Varint(text.size());
    out_.append(text.data(), text.size());
  }
  void Time(EventTime time) {
    char bytes[sizeof(time.ms)];
    std::memcpy(bytes, &time.ms, sizeof(bytes));
    out_.append(bytes, sizeof(bytes));
  }

 private:
  std::string& out_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}

  bool AtEnd() const { return p_ == end_; }
  uint8_t Byte() { return static_cast<uint8_t>(*p_++); }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string_view Text() {
    const uint64_t size = Varint();
    const std::string_view text(p_, size);
    p_ += size;
    return text;
  }
  EventTime Time() {
    EventTime time;
    std::memcpy(&time.ms, p_, sizeof(time.ms));
    p_ += sizeof(time.ms);
    return time;
  }

 private:
  const char* p_;
  const char* end_;
};

}  // namespace tidemark
