// Hashing where a multiplication per word is what it may cost: the product of two words, its halves folded together.
// Not for keys of a table that others choose, and not against somebody who looks for two texts with one hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidemark {

inline uint64_t MultiplyFold(uint64_t a, uint64_t b) {
  __extension__ using Product = unsigned __int128;
  const Product product = static_cast<Product>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Of bytes, for as long as a process lives: four lanes, so that the multiplications need not wait for each other.
inline uint64_t QuickHash(std::string_view bytes) {
  constexpr uint64_t kSalt[] = {0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3};
  constexpr size_t kStep = 16;
  const auto word = [](const char* p) {
    uint64_t w;
    std::memcpy(&w, p, sizeof(w));
    return w;
  };
  const auto step = [&](uint64_t lane, uint64_t salt, const char* p) {
    return MultiplyFold(word(p) ^ salt, word(p + 8) ^ lane);
  };
  uint64_t a = kSalt[0];
  uint64_t b = kSalt[1];
  uint64_t c = kSalt[2];
  uint64_t d = kSalt[3];
  const char* p = bytes.data();
  size_t rest = bytes.size();
  for (; rest > 4 * kStep; rest -= 4 * kStep, p += 4 * kStep) {
    a = step(a, kSalt[0], p);
    b = step(b, kSalt[1], p + kStep);
    c = step(c, kSalt[2], p + 2 * kStep);
    d = step(d, kSalt[3], p + 3 * kStep);
  }
  if (rest > kStep) a = step(a, kSalt[0], p);
  if (rest > 2 * kStep) b = step(b, kSalt[1], p + kStep);
  if (rest > 3 * kStep) c = step(c, kSalt[2], p + 2 * kStep);
  if (bytes.size() >= kStep) {
    d = step(d, kSalt[3], bytes.data() + bytes.size() - kStep);  // the last ones, some of them again
  } else {
    char all[kStep] = {};
    if (rest > 0) std::memcpy(all, p, rest);
    d = step(d, kSalt[3], all);
  }
  return MultiplyFold(a ^ b ^ bytes.size(), c ^ d ^ kSalt[0]);
}

}  // namespace tidemark
