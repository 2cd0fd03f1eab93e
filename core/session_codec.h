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

// What a session is, as bits: closed early, authenticated, a conversation, left by its customer, with an end.
uint8_t SessionFlags(const Session& session);

}  // namespace tidemark
