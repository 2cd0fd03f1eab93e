// The way out of a refusal: a partition begins anew, without open sessions, at an offset that a person has chosen.
//
// It writes what a shard finds then, in one transaction: an empty snapshot and the committed offset. Whatever was open
// is given up; what comes before the offset is not read again, what comes after it may be emitted a second time if it
// was emitted before. So it is never done by itself.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/rules.h"
#include "core/types.h"
#include "ingest/kafka_options.h"

namespace tidemark {

// Where to begin.
struct BeginAt {
  enum class Place : uint8_t { kCommitted, kEarliest, kLatest, kOffset };
  Place place = Place::kCommitted;
  Offset offset;  // of kOffset
};

// "committed", "earliest", "latest" or a number.
absl::StatusOr<BeginAt> ParseBeginAt(const std::string& text);

struct NewBeginning {
  PartitionId partition;
  std::optional<Offset> committed;  // what the group had
  Offset begin;
};

// `partitions`: empty: all of the events topic. `apply` false: says what it would do, and writes nothing.
// FailedPrecondition: the group has members (stop them first), a partition has no committed offset to begin at, or the
// place is not in the topic.
absl::StatusOr<std::vector<NewBeginning>> BeginAnew(const KafkaOptions& options, const Rules& rules,
                                                    std::vector<PartitionId> partitions, const BeginAt& at, bool apply);

}  // namespace tidemark
