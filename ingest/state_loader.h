// Finds the state of one partition at the committed offset in the state topic: the newest snapshot, and the decisions
// after it. What is then still missing, the records between snapshot and commit, is replayed by PartitionWork.
//
// Several attempts, each from further back: the newest snapshot that the commit names, the one before it, whatever
// there is. A record that is damaged ends the snapshot it belongs to, never the search. Nothing is taken that does not
// add up: the number of chunks, of sessions, the digest, the decisions without a gap. A pure state machine: records in,
// state out. One thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/partition.h"
#include "core/state_record.h"
#include "ingest/broker.h"
#include "ingest/commit_metadata.h"

namespace tidemark {

// A partition's state at a snapshot, and how it comes from there to the committed offset.
struct LoadedState {
  Partition partition;
  Offset next;                      // the first record that the snapshot does not have
  Offset found_from;                // reading the state topic from here leads to this snapshot
  std::vector<Decision> decisions;  // after the snapshot, in order
};

class StateLoader {
 public:
  // What the group has committed; nothing: no offset, or one that tidemark did not write. Then all that is looked for
  // is whether there is a state at all.
  StateLoader(PartitionId id, std::optional<Offset> committed, std::optional<CommitMetadata> metadata);

  // Where reading begins, and where it goes on.
  Offset next() const { return next_; }

  // REQUIRES: the records of the state partition from next() on, in order. An error: nothing will help.
  absl::Status Take(const StateInput& input);

  // Whether all that the commit names has been seen.
  bool complete() const;
  // Whether the snapshot that this attempt began with is not whole: reading on would not help.
  bool hopeless() const { return rejected_ && !found_ && !starts_.empty(); }
  // Whether any complete snapshot has been seen.
  bool found_snapshot() const { return found_.has_value(); }

  // REQUIRES: complete().
  LoadedState TakeState();

  // Begins the next attempt, further back. False: there is none.
  bool TryOlder();

  const std::optional<CommitMetadata>& metadata() const { return metadata_; }
  // Damaged records seen since it was last asked; each counts once, however many attempts read it.
  uint64_t TakeDamagedRecords() { return std::exchange(new_damaged_, 0); }
  // Snapshots of no use, likewise, that reading just went on behind, for it was the last attempt.
  uint64_t TakePassedOver() { return std::exchange(passed_over_, 0); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct Building {
    Partition partition;
    uint64_t snapshot;
    uint32_t chunks;
  };

  void Reject();
  void TakeChunk(const SnapshotChunk& chunk);
  void TakeEnd(const SnapshotEnd& end);
  bool Fits(const SnapshotEnd& end) const;

  PartitionId id_;
  std::optional<Offset> committed_;
  std::optional<CommitMetadata> metadata_;
  std::vector<Offset> starts_;  // of the attempts to come, the next one last
  Offset from_{};               // where this attempt begins
  Offset next_{};
  std::optional<Building> building_;
  bool rejected_ = false;  // something that might have been the snapshot, in this attempt
  std::optional<LoadedState> found_;
  uint64_t decisions_in_found_ = 0;
  std::map<uint64_t, Decision> decisions_;  // by number
  std::set<Offset> damaged_;
  uint64_t new_damaged_ = 0;
  uint64_t passed_over_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace tidemark
