// One assigned partition and everything the shard knows about it: the state machine, the place in the topic, what of
// it is committed, and when it last had a record.
//
// Invariant: the state machine has seen exactly the records below `next()` since it began. `Matches` says whether what
// the group has committed is exactly this state, so that it can go on without reading anything again.
// The shard's thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "core/partition.h"
#include "core/rules.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/shard_snapshot.h"

namespace tidemark {

class PartitionWork {
 public:
  explicit PartitionWork(PartitionId id) : id_(id) {}

  PartitionId id() const { return id_; }
  WorkState state() const { return state_; }
  Offset next() const { return next_; }
  bool dirty() const { return dirty_; }  // has something that no commit names yet
  const Partition* partition() const { return partition_ ? &*partition_ : nullptr; }
  uint64_t open_sessions() const { return partition_ ? partition_->open_sessions() : 0; }

  // Whether the state in memory is what the group has committed.
  bool Matches(const CommittedOffset& committed) const;

  // Starts empty at an offset. `fresh`: the group has never committed one, so this one is to be.
  void BeginEmpty(const Rules& rules, Offset next, bool fresh);
  // Goes on with the state in memory; the end will be seen anew.
  void Continue() {
    state_ = WorkState::kRunning;
    end_ = {-1};
  }
  void Wait() { state_ = WorkState::kWaiting; }
  void Fail() { state_ = WorkState::kFailed; }

  // REQUIRES: running, record.offset >= next().
  void Apply(const Record& record, Effects& effects);
  // After the records of a poll.
  void NoteRead(MonotonicTime now, EventTime last_record);
  // REQUIRES: all records handed out before have been applied, or the work waits to begin again.
  void NoteEnd(Offset end) {
    if (state_ == WorkState::kRunning) end_ = std::max(end_, end);
  }

  // Read to its end, and not a record since `idle_after` (at `speed` times the clock's pace).
  bool IsQuiet(MonotonicTime now, Duration idle_after, int speed) const;
  // The move of a quiet partition's watermark, as of `now`. `end` is where its leader says it ends: nothing moves
  // unless all of it has been read. Returns whether sessions were closed.
  bool AdvanceByClock(MonotonicTime now, Offset end, int speed, Effects& effects);

  // The offset to commit, under a token that names this commit alone.
  CommittedOffset Attempt(const std::string& token);

  void FillSnapshot(EventTime wall_now, std::optional<Offset> cached_end, PartitionSnapshot& snapshot) const;

 private:
  bool AtEnd() const { return end_ >= next_; }

  const PartitionId id_;
  WorkState state_ = WorkState::kWaiting;
  std::optional<Partition> partition_;
  Offset next_{};
  Offset end_{-1};                                     // where the partition ended when its end was last reached
  std::string token_;                                  // of the commit attempt that covers the state, if not dirty
  bool dirty_ = false;                                 // inputs since then
  std::optional<MonotonicTime> last_read_;             // when records last came
  EventTime watermark_at_last_read_ = kBeforeAllTime;  // and what they made of the watermark
  EventTime last_record_ = kBeforeAllTime;             // the record's own time
};

// Adds `more` to `total`.
void AddCounters(PartitionCounters& total, const PartitionCounters& more);

}  // namespace tidemark
