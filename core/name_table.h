// Names known at compile time, found without comparing more than one and without a branch that depends on the name: a
// perfect hash of a name's length and first eight characters. The factor that separates all names is searched for where
// the table is made, by the compiler; names that no factor separates do not compile. Pure, any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidemark {

template <size_t kNames>
class NameTable {
 public:
  // What Find may read from the beginning of a name on, whatever its size.
  static constexpr size_t kReadable = 16;

  // `name_of(i)` for i below `count` are the names, none of them empty; they must live as long as the table.
  template <typename NameOf>
  constexpr NameTable(size_t count, NameOf name_of) {
    for (size_t i = 0; i < count; ++i) names_[i + 1] = Make(name_of(i));
    for (factor_ = kFirstFactor; !Fill(count); factor_ = factor_ * 6'364'136'223'846'793'005U + 2) {
    }
  }

  // The index of the name plus one; 0: there is no such name. REQUIRES: kReadable bytes can be read at `name`.
  size_t Find(const char* name, size_t size) const {
    std::array<uint64_t, 2> words;
    std::memcpy(words.data(), name, kReadable);
    const auto& masks = kMasks[std::min(size, kReadable)];
    words[0] &= masks[0];
    words[1] &= masks[1];
    const size_t found = slots_[SlotOf(words[0], size)];
    const Name& candidate = names_[found];
    const uint64_t difference =
        (candidate.text.size() ^ size) | (candidate.words[0] ^ words[0]) | (candidate.words[1] ^ words[1]);
    if (difference != 0) return 0;
    if (size <= kReadable) return found;
    return candidate.text.substr(kReadable) == std::string_view(name + kReadable, size - kReadable) ? found : 0;
  }

  // The same for a name behind which nothing can be read.
  size_t Find(std::string_view name) const {
    if (name.size() >= kReadable) return Find(name.data(), name.size());
    char padded[kReadable] = {};
    if (!name.empty()) std::memcpy(padded, name.data(), name.size());
    return Find(padded, name.size());
  }

 private:
  static_assert(std::endian::native == std::endian::little, "words are read as they are built: first byte lowest");
  static constexpr int kBits = std::bit_width(kNames) + 2;
  static constexpr uint64_t kFirstFactor = 0x9E3779B97F4A7C15;

  struct Name {
    std::string_view text;
    std::array<uint64_t, 2> words;  // how it begins, padded with zeros
  };

  // By size, what of two words belongs to a name.
  static constexpr auto kMasks = [] {
    std::array<std::array<uint64_t, 2>, kReadable + 1> masks{};
    for (size_t size = 0; size <= kReadable; ++size) {
      for (size_t i = 0; i < size; ++i) masks[size][i / 8] |= uint64_t{0xFF} << (i % 8 * 8);
    }
    return masks;
  }();

  static constexpr Name Make(std::string_view text) {
    Name name{text, {}};
    for (size_t i = 0; i < std::min(text.size(), kReadable); ++i) {
      name.words[i / 8] |= static_cast<uint64_t>(static_cast<unsigned char>(text[i])) << (i % 8 * 8);
    }
    return name;
  }

  constexpr size_t SlotOf(uint64_t first_word, size_t size) const {
    return ((first_word ^ size) * factor_) >> (64 - kBits);
  }

  constexpr bool Fill(size_t count) {
    slots_.fill(0);
    for (size_t i = 1; i <= count; ++i) {
      uint8_t& slot = slots_[SlotOf(names_[i].words[0], names_[i].text.size())];
      if (slot != 0) return false;
      slot = static_cast<uint8_t>(i);
    }
    return true;
  }

  uint64_t factor_ = 0;
  std::array<uint8_t, size_t{1} << kBits> slots_{};
  std::array<Name, kNames + 1> names_{};  // the first stands for none: it is empty
};

}  // namespace tidemark
