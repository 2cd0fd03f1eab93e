// Names known at compile time, found without comparing more than one: a perfect hash of a name's length and three of
// its characters. The factor that separates all names is searched for where the table is made, by the compiler; names
// that no factor separates do not compile. Pure, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidemark {

// Whether `size` bytes are the same; for short texts, where a call of memcmp costs more than the comparison.
inline bool SameBytes(const char* a, const char* b, size_t size) {
  const auto differ = [&]<typename Word>(Word, size_t at) {
    Word x;
    Word y;
    std::memcpy(&x, a + at, sizeof(x));
    std::memcpy(&y, b + at, sizeof(y));
    return (x ^ y) != 0;
  };
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

inline bool SameText(std::string_view a, std::string_view b) {
  return a.size() == b.size() && SameBytes(a.data(), b.data(), a.size());
}

class NameTable {
 public:
  // `name_of(i)` for i below `count` are the names, none of them empty; they must live as long as the table.
  template <typename NameOf>
  constexpr NameTable(size_t count, NameOf name_of) {
    for (factor_ = kFirstFactor; !Fill(count, name_of); factor_ = factor_ * 2'891'336'453U + 2) {
    }
  }

  // The index of the slot `name` would be in, plus one; 0: there is no such name. The caller compares the names.
  size_t Candidate(std::string_view name) const { return slots_[SlotOf(name)]; }

 private:
  static constexpr uint32_t kFirstFactor = 0x75d658f5U;
  static constexpr int kBits = 8;

  constexpr size_t SlotOf(std::string_view name) const {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(name[i])); };
    const uint32_t mixed = static_cast<uint32_t>(name.size()) | byte(0) << 8U | byte(name.size() - 1) << 16U |
                           byte(name.size() * 3 / 4) << 24U;
    return (mixed * factor_) >> (32 - kBits);
  }

  template <typename NameOf>
  constexpr bool Fill(size_t count, NameOf name_of) {
    slots_.fill(0);
    for (size_t i = 0; i < count; ++i) {
      uint8_t& slot = slots_[SlotOf(name_of(i))];
      if (slot != 0) return false;
      slot = static_cast<uint8_t>(i + 1);
    }
    return true;
  }

  uint32_t factor_ = 0;
  std::array<uint8_t, 1 << kBits> slots_{};
};

}  // namespace tidemark
