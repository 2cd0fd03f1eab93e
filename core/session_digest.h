// The digest of a partition's state, by which a recovered state is known for the committed one: the XOR of the digests
// of its sessions, so that an event changes it by a few multiplications, without a pass over the state. Stable over
// builds and machines, as it is part of what is committed. Pure functions, any thread.
//
// In a file pair of its own, so that a benchmark can be linked with another SessionDigest, to see what it costs.
#pragma once

#include <cstdint>

#include "core/quick_hash.h"
#include "core/session.h"

namespace tidemark {

// What tells a session from what it was before an event: its key, times, counts and kind.
uint64_t SessionDigest(const Session& session);

// For the parts of the digest, among them those that are no session.
inline uint64_t MixDigest(uint64_t a, uint64_t b) {
  constexpr uint64_t kSeed = 0x9E3779B97F4A7C15;
  constexpr uint64_t kFactor = 0xD6E8FEB86659FD93;
  return MultiplyFold(a ^ kSeed, b ^ kFactor);
}

}  // namespace tidemark
