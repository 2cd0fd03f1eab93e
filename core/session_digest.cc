#include "core/session_digest.h"

#include "core/session_codec.h"

namespace tidemark {

uint64_t SessionDigest(const Session& session) {
  const uint64_t kind = SessionFlags(session) | static_cast<uint64_t>(session.end_reason) << 8;
  uint64_t digest = MixDigest(session.key_hash, kind);
  digest = MixDigest(digest, static_cast<uint64_t>(session.first.ms));
  digest = MixDigest(digest, static_cast<uint64_t>(session.last.ms));
  digest = MixDigest(digest, static_cast<uint64_t>(session.end.ms));
  digest = MixDigest(digest, session.events | static_cast<uint64_t>(session.duplicates) << 32);
  return MixDigest(digest, session.out_of_order | static_cast<uint64_t>(session.pageviews) << 32);
}

}  // namespace tidemark
