// Streams of events made to be difficult: few keys that collide, times that jump and repeat, every envelope and
// payload, fields of every wrong type, repeated and escaped keys, ends, legs, duplicates, garbage. The same for the
// same seed on every platform: a generator of the standard, and none of its distributions.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/rules.h"

namespace tidemark {

inline constexpr int64_t kStreamStart = 1'763'980'200'000;  // 2025-11-24T10:30:00Z

struct RandomStream {
  Rules rules;
  std::vector<std::string> lines;
};

// What a stream may contain beyond plain events.
struct StreamOptions {
  bool bad_records = true;
  bool ends_and_caps = true;      // end events, a short max_duration, customers who leave
  int64_t disorder_ms = 400'000;  // how far back an event may lie
};

RandomStream MakeRandomStream(uint64_t seed, const StreamOptions& options);

}  // namespace tidemark
