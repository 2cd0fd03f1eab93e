// Hashing where a multiplication per word is what it may cost: the product of two words, its halves folded together.
// Not for keys of a table that others choose, and not against somebody who looks for two texts with one hash.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/byte_buffer.h"

namespace tidemark {

inline uint64_t MultiplyFold(uint64_t a, uint64_t b) {
  __extension__ using Product = unsigned __int128;
  const Product product = static_cast<Product>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Of bytes, for as long as a process lives: four lanes, so that the multiplications need not wait for each other.
inline uint64_t QuickHash(std::string_view bytes) {
  constexpr std::array<uint64_t, 4> kSalts = {0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3,
                                              0x589965CC75374CC3};
  constexpr size_t kStep = 16;
  const auto word = [](const char* p) {
    uint64_t w;
    std::memcpy(&w, p, sizeof(w));
    return w;
  };
  std::array<uint64_t, 4> lanes = kSalts;
  const auto take = [&](size_t lane, const char* p) {
    lanes[lane] = MultiplyFold(word(p) ^ kSalts[lane], word(p + 8) ^ lanes[lane]);
  };
  const char* p = bytes.data();
  size_t rest = bytes.size();
  for (; rest >= 4 * kStep; rest -= 4 * kStep, p += 4 * kStep) {
    for (size_t lane = 0; lane < 4; ++lane) take(lane, p + lane * kStep);
  }
  if (rest >= kStep) take(0, p);
  if (rest >= 2 * kStep) take(1, p + kStep);
  if (rest >= 3 * kStep) take(2, p + 2 * kStep);
  std::array<char, kStep> last{};
  CopyShort(last.data(), p + rest / kStep * kStep, rest % kStep);
  take(3, last.data());
  return MultiplyFold(lanes[0] ^ lanes[1] ^ bytes.size(), lanes[2] ^ lanes[3] ^ kSalts[0]);
}

}  // namespace tidemark
