// The byte format in which a session keeps its values: varints, length-prefixed strings, fixed 64-bit times.
// Written by Packer, read back by Unpacker; no padding, no pointers, so that a block of values can be moved, compared
// and stored as it is. Unpacker takes any bytes: it never reads outside them; what they do not have it reads as zero or
// empty, and ok() is false from then on. So a loop until AtEnd() ends.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/byte_buffer.h"
#include "core/types.h"

namespace tidemark {

inline constexpr size_t kMaxVarint = 10;  // bytes

// Writes `value` at p, where there is room, and returns where it ends.
inline char* PutVarint(uint64_t value, char* p) {
  for (; value >= 0x80; value >>= 7) *p++ = static_cast<char>(value | 0x80);
  *p++ = static_cast<char>(value);
  return p;
}

// `Out` is a std::string, or a ByteBuffer where it matters.
template <typename Out>
class BasicPacker {
 public:
  // Appends to `out`, which must outlive the packer.
  explicit BasicPacker(Out& out) : out_(out) {}

  void Byte(uint8_t value) { out_ += static_cast<char>(value); }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<uint8_t>(value | 0x80));
    Byte(static_cast<uint8_t>(value));
  }
  void Text(std::string_view text) {
    if constexpr (std::is_same_v<Out, ByteBuffer>) {
      char* const p = PutVarint(text.size(), out_.Room(kMaxVarint + text.size()));
      CopyShort(p, text.data(), text.size());
      out_.EndAt(p + text.size());
    } else {
      Varint(text.size());
      out_.append(text.data(), text.size());
    }
  }
  void Fixed32(uint32_t value) { Fixed(value); }
  void Fixed64(uint64_t value) { Fixed(value); }
  void Time(EventTime time) { Fixed64(static_cast<uint64_t>(time.ms)); }
  void Span(Duration span) { Fixed64(static_cast<uint64_t>(span.ms)); }

 private:
  template <typename T>
  void Fixed(T value) {
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(bytes));
    out_.append(bytes, sizeof(bytes));
  }

  Out& out_;
};
using Packer = BasicPacker<std::string>;
using BytePacker = BasicPacker<ByteBuffer>;

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}

  bool AtEnd() const { return p_ == end_; }
  const char* position() const { return p_; }
  bool ok() const { return ok_; }

  uint8_t Byte() {
    if (p_ == end_) return static_cast<uint8_t>(Fail());
    return static_cast<uint8_t>(*p_++);
  }
  uint64_t Varint() {
    if (p_ != end_ && (*p_ & 0x80) == 0) return static_cast<uint8_t>(*p_++);  // nearly always
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return Fail();
  }
  std::string_view Text() {
    const uint64_t size = Varint();
    if (size > static_cast<uint64_t>(end_ - p_)) {
      Fail();
      return {};
    }
    const std::string_view text(p_, size);
    p_ += size;
    return text;
  }
  uint32_t Fixed32() { return Fixed<uint32_t>(); }
  uint64_t Fixed64() { return Fixed<uint64_t>(); }
  // One that can be reckoned with: what is before or after all time fails.
  EventTime Time() {
    const EventTime time{static_cast<int64_t>(Fixed64())};
    const bool possible = kBeforeAllTime <= time && time <= kAfterAllTime;
    return possible ? time : EventTime{static_cast<int64_t>(Fail())};
  }
  // One that a setting may have: ten years at most.
  Duration Span() {
    const Duration span{static_cast<int64_t>(Fixed64())};
    const bool possible = Duration{0} <= span && span <= Days(3660);
    return possible ? span : Duration{static_cast<int64_t>(Fail())};
  }

 private:
  template <typename T>
  T Fixed() {
    T value = 0;
    if (static_cast<size_t>(end_ - p_) < sizeof(value)) return static_cast<T>(Fail());
    std::memcpy(&value, p_, sizeof(value));
    p_ += sizeof(value);
    return value;
  }
  uint64_t Fail() {
    p_ = end_;
    ok_ = false;
    return 0;
  }

  const char* p_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace tidemark
