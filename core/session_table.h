// All sessions and tombstones of a partition: where they live, and how they are found by key and by deadline.
//
// Sessions lie in chunks that never move and are addressed by SessionRef; a free place is reused under a new
// generation. A hash map leads from a key's hash to the first of the sessions with that hash, the others follow by
// Session::next; keys are compared, so equal hashes make nothing wrong, only slow. Sessions and the tombstone of one
// key are in one chain. One thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/session.h"

namespace tidemark {

class SessionTable {
 public:
  Session& operator[](SessionRef ref) { return (*chunks_[ref / kChunk])[ref % kChunk]; }
  const Session& operator[](SessionRef ref) const { return (*chunks_[ref / kChunk])[ref % kChunk]; }

  // The first of the chain of sessions whose key has this hash, or kNoSession.
  SessionRef Find(uint64_t key_hash) const;

  // Ask the processor for what Find will need, and for a session's own numbers.
  void PrefetchPlace(uint64_t key_hash) const { heads_.prefetch(key_hash); }
  void PrefetchSession(SessionRef ref) const {
    const char* const session = reinterpret_cast<const char*>(&(*this)[ref]);
    for (size_t line = 0; line < sizeof(Session); line += 64) __builtin_prefetch(session + line);
  }

  // A free session, chained under its hash. The caller opens it.
  SessionRef Add(uint64_t key_hash);

  // Takes a session out of its chain and frees its place.
  void Remove(SessionRef ref);

  uint64_t size() const { return size_; }

  // All places there are, free ones too: SessionRef from 0 up to this.
  SessionRef places() const { return static_cast<SessionRef>(chunks_.size() * kChunk); }
  uint64_t bytes() const;

 private:
  static constexpr SessionRef kChunk = 1024;
  struct HashIsHash {
    size_t operator()(uint64_t hash) const { return hash; }
  };

  std::vector<std::unique_ptr<std::array<Session, kChunk>>> chunks_;
  std::vector<SessionRef> free_;
  absl::flat_hash_map<uint64_t, SessionRef, HashIsHash> heads_;
  uint64_t size_ = 0;
};

}  // namespace tidemark
