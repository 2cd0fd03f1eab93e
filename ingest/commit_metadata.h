// What tidemark says of a partition's state beside each offset it commits: enough to find that state again, and to tell
// whether it was found. ASCII, below 300 bytes.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/types.h"

namespace tidemark {

struct CommitMetadata {
  std::string token;                     // names this attempt to commit alone
  uint64_t sequence = 0;                 // 1, 2, ...: how often this partition was committed
  uint64_t decisions = 0;                // the number of the last decision in the state
  uint64_t digest = 0;                   // of the state, see Partition::digest
  Offset newest_snapshot;                // from where in the state topic the newest snapshot is to be read
  std::optional<Offset> older_snapshot;  // and the one before it
};

std::string ToText(const CommitMetadata& metadata);

// InvalidArgument: not tidemark's. Unimplemented: a newer tidemark's.
absl::StatusOr<CommitMetadata> ParseCommitMetadata(std::string_view text);

}  // namespace tidemark
