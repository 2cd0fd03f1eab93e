// Reproducible random numbers: SplitMix64 and integer arithmetic only, so that a seed gives the same numbers on every
// platform and with every standard library. Not for secrets. One thread at a time.
#pragma once

#include <cstdint>

namespace tidemark {

// A well-mixed 64-bit function of its argument (SplitMix64's finalizer).
constexpr uint64_t MixBits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() { return MixBits(state_ += 0x9E3779B97F4A7C15); }

  // 0 to n - 1. n must not be 0.
  constexpr uint32_t Below(uint32_t n) { return static_cast<uint32_t>(((Next() >> 32) * n) >> 32); }

  // low to high, both included; the distance must fit 32 bits.
  constexpr int64_t Between(int64_t low, int64_t high) { return low + Below(static_cast<uint32_t>(high - low + 1)); }

  // True with `threshold` / 2^32.
  constexpr bool Chance(uint64_t threshold) { return (Next() >> 32) < threshold; }

 private:
  uint64_t state_;
};

}  // namespace tidemark
