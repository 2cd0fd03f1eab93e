// What a shard needs from Kafka: one group member that reads, one transactional producer that writes.
//
// KafkaClient (ingest/kafka_client.h) is the real one; tests and the simulator have their own. Every call is made by
// the shard's thread and blocks for a bounded time only, but for CommitTransaction and SendOffsets, which a watchdog
// outside the shard bounds.
//
// Errors say what the shard may do:
//   Unavailable         the broker is away or busy: the same call may be made again later
//   Aborted             this transaction is lost or in doubt: restart the producer, begin the partitions again
//   PermissionDenied, FailedPrecondition, Internal: nothing will help; the process ends with the message
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/partition.h"
#include "core/types.h"
#include "ingest/clock.h"
#include "sinks/kafka_sink.h"
#include "sinks/sink.h"

namespace tidemark {

// A record as the broker handed it out. Its bytes live until the next Poll.
struct InputRecord {
  PartitionId partition;
  Record record;
  std::optional<std::string_view> key;
  const void* native = nullptr;  // the broker's own, for Headers
};

// The place in a partition from which to read.
struct PartitionStart {
  PartitionId partition;
  Offset offset;
};

// What the group has committed for a partition.
struct CommittedOffset {
  PartitionId partition;
  std::optional<Offset> offset;  // nothing: the group has never committed one
  std::string metadata;
};

// A partition was read to its end: `end` is the offset the next record will have, or less.
struct PartitionEnd {
  PartitionId partition;
  Offset end;
};

// A partition cannot be read any further; the others can.
struct PartitionError {
  PartitionId partition;
  std::string message;
};

enum class AssignmentChange : uint8_t {
  kNone,
  kAssigned,  // `partitions` are ours now, and no others, though none was revoked; the shard answers with Assign
  kRevoked,   // another member will have them; until the shard answers with Unassign they are still ours
  kLost,      // the group has already given them away; the shard answers with Unassign
};

struct PollResult {
  uint64_t assignment_epoch = 0;  // of the Assign or Unassign that the records were fetched under
  std::vector<InputRecord> records;
  std::vector<PartitionEnd> ends;
  std::vector<PartitionError> errors;
  AssignmentChange change = AssignmentChange::kNone;  // happened after the records
  std::vector<PartitionId> partitions;

  void Clear() {
    records.clear();
    ends.clear();
    errors.clear();
    change = AssignmentChange::kNone;
    partitions.clear();
  }
};

// A record of the state topic. Its bytes live until the next PollState.
struct StateInput {
  PartitionId partition;
  Offset offset;
  std::string_view value;
};

struct StatePollResult {
  std::vector<StateInput> records;
  std::vector<PartitionEnd> ends;      // all there is was handed out, and no transaction is open that could add to it
  std::vector<PartitionError> errors;  // the place to begin at is not in the topic (any more)

  void Clear() {
    records.clear();
    ends.clear();
    errors.clear();
  }
};

// Where to begin reading when it is to be the first record there is.
inline constexpr Offset kFirstRecord{-2};

class Broker : public RecordWriter {
 public:
  // Waits up to `timeout` for something to happen and returns what there is. An error ends the process.
  virtual absl::Status Poll(Duration timeout, PollResult& result) = 0;

  // The headers of a record of the last Poll; valid until the next call.
  virtual std::span<const RecordHeader> Headers(const InputRecord& record) = 0;

  // Begins reading at these places and nowhere else; returns the new assignment epoch.
  virtual absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) = 0;
  virtual uint64_t Unassign() = 0;

  virtual absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) = 0;
  virtual absl::StatusOr<Offset> FirstOffset(PartitionId partition) = 0;

  // Where the partitions end now for readers, which is before the first undecided transaction; asked from their leaders
  // (not from a cache). In the order of `partitions`; nothing for one whose leader did not answer.
  virtual std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) = 0;

  // What was known of the partition's end when something was last fetched, records of undecided transactions included;
  // costs nothing, may be old.
  virtual std::optional<Offset> CachedEnd(PartitionId partition) = 0;

  // Replaces the producer, which ends (aborts, or completes if its commit had been decided) whatever transaction the
  // last one with the same transactional id left open. Must have succeeded before the first BeginTransaction.
  virtual absl::Status RestartProducer() = 0;
  virtual absl::Status BeginTransaction() = 0;
  virtual absl::Status SendOffsets(std::span<const CommittedOffset> offsets) = 0;
  virtual absl::Status CommitTransaction() = 0;
  // Of the records given to Write: bytes of values that the brokers have not acknowledged yet.
  virtual uint64_t UnacknowledgedBytes() = 0;

  // ---- the state topic: one log for each partition of the events topic. Written like any other topic, in the
  // transactions; read back (read committed, in order) when work on a partition begins.

  // Reads on from these places, and nowhere else: what was read before and is not named is let go of. No places: stop.
  virtual absl::Status ReadState(std::span<const PartitionStart> starts) = 0;
  // Waits up to `timeout` for something to happen and returns what there is.
  virtual absl::Status PollState(Duration timeout, StatePollResult& result) = 0;
  // Where the partition ends for readers: all that is written from now on, by this shard, lies at or behind it. What
  // was committed a moment ago may, too.
  virtual absl::StatusOr<Offset> StateEnd(PartitionId partition) = 0;
  // Asks for everything before an offset to be deleted. Whether it was is not waited for.
  virtual void TruncateState(PartitionId partition, Offset before) = 0;

  // Leaves the group and lets go of everything.
  virtual void Close() = 0;
};

}  // namespace tidemark
