// What the state topic holds: for each partition of the events topic a log of decisions and snapshots, from which the
// partition's state at a committed offset is computed again.
//
//   decision        an input that is not a record: the watermark moved by the clock, the rules changed. It has a
//                   number (1, 2, ... per partition) and the offset before which it applies.
//   snapshot chunk  some of the sessions and tombstones that there were at one commit
//   snapshot end    says that the snapshot is complete, and everything else of the state
//
// A record is: magic, format version, kind, body, checksum (CRC-32C) of all before it. Its decoder takes any
// bytes: what is not exactly a record of a known version is an error, never a crash and never a guess.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/rules.h"
#include "core/types.h"

namespace tidemark {

struct WatermarkMoved {
  EventTime watermark;
};

struct RulesChanged {
  Rules rules;
};

struct Decision {
  uint64_t number = 0;
  Offset before;  // the first record that it applies before
  std::variant<WatermarkMoved, RulesChanged> what;
};

// Sessions in no particular order, in the format of core/session_codec.h.
struct SnapshotChunk {
  uint64_t snapshot = 0;  // sequence number of the commit whose state this is: tells one snapshot from another
  uint32_t index = 0;     // 0, 1, ... in the order of the log
  std::string_view sessions;
};

struct SnapshotEnd {
  uint64_t snapshot = 0;
  uint32_t chunks = 0;
  uint64_t sessions = 0;   // in all chunks, tombstones included
  Offset next;             // the state is that of all records before it
  uint64_t decisions = 0;  // number of the last decision in it
  EventTime watermark;
  uint64_t digest = 0;
  Rules rules;
};

using StateRecord = std::variant<Decision, SnapshotChunk, SnapshotEnd>;

// Replaces `out` by the record's bytes.
void EncodeStateRecord(const StateRecord& record, std::string& out);

// Views point into `bytes`. InvalidArgument: not a record, or damaged. Unimplemented: a newer format than this
// program's.
absl::StatusOr<StateRecord> DecodeStateRecord(std::string_view bytes);

// Rules as bytes: equal rules, equal bytes.
void EncodeRules(const Rules& rules, std::string& out);

}  // namespace tidemark
