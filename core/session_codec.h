// One session or tombstone as bytes, for snapshots of a partition: everything of it that an effect can depend on.
//
// Left out is what is found again: its place in the table, its schedule, the hashes of objects that were projected.
// Decoding takes any bytes: what is not exactly one session is refused. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "core/packed.h"
#include "core/session.h"

namespace tidemark {

// Appends the session to `out`.
void EncodeSession(const Session& session, std::string& out);

// Reads the next session into an empty one, which may then refer to common values; false, and the session is of no use,
// when the bytes are none.
bool DecodeSession(Unpacker& in, CommonValues& common, Session& session);

// A hash of what tells a session from what it was before an event: its key, times, counts and kind. Stable over builds
// and machines. The XOR over all sessions is a partition's digest: a few multiplications per event instead of a pass
// over the state.
uint64_t SessionDigest(const Session& session);

// The same for the parts of the digest that are not a session.
uint64_t MixDigest(uint64_t a, uint64_t b);

}  // namespace tidemark
