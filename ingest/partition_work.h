// One assigned partition and everything the shard knows about it: the state machine, the place in the topic, what of
// it is committed, and when it last had a record.
//
//   waiting -> loading (state topic) -> replaying (events topic, without effects) -> running, or failed
//
// Invariant: the state machine has seen exactly the records below `next()`. `Matches` says whether what the group has
// committed is exactly this state, so that it can go on without reading anything again.
// The shard's thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/partition.h"
#include "core/rules.h"
#include "core/state_record.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/commit_metadata.h"
#include "ingest/shard_snapshot.h"
#include "ingest/state_loader.h"

namespace tidemark {

class PartitionWork {
 public:
  explicit PartitionWork(PartitionId id) : id_(id) {}

  PartitionId id() const { return id_; }
  WorkState state() const { return state_; }
  bool running() const { return state_ == WorkState::kRunning; }
  // Whether it goes on with records; and whether those that the broker hands out begin at next(), which they do once
  // the broker was told so.
  bool wants_records() const { return running() || state_ == WorkState::kReplaying; }
  bool reads() const { return wants_records() && told_broker_; }
  void NoteAssigned() { told_broker_ = true; }
  Offset next() const { return next_; }
  bool dirty() const { return dirty_; }  // has something that no commit names yet
  const Partition* partition() const { return partition_ ? &*partition_ : nullptr; }
  Partition& live() { return *partition_; }                      // REQUIRES: wants_records()
  uint64_t sequence() const { return acknowledged_sequence_; }   // of the last commit that is known to have happened
  const PartitionCounters& counted() const { return counted_; }  // of what is committed

  // Whether the state in memory is what the group has committed; if so, Continue goes on with it.
  bool Matches(const CommittedOffset& committed) const;
  void Continue();

  // Starts empty at an offset. `state_end`: where the empty snapshot that is to be written will lie, or before.
  void BeginEmpty(const Rules& rules, Offset next, Offset state_end, MonotonicTime now);
  // Gives up what is in memory: the state is about to be loaded.
  void BeginLoading();
  // Goes on from a loaded state with the records up to the committed offset. `expected`: what `committed` says.
  // REQUIRES: committed.offset.
  void BeginReplay(LoadedState state, const CommittedOffset& committed, const CommitMetadata& expected);
  void Wait() { Become(WorkState::kWaiting); }
  // Goes no further. What it took before is still good, and is committed; where it is not, BeginLoading comes first.
  void Fail() { state_ = WorkState::kFailed; }

  // Replay. A record below target() is taken without effects; all is done when the partition ends, or goes on, at or
  // behind it. False: the state is not the one that was committed.
  Offset target() const { return target_; }
  void Replay(const Record& record);
  bool FinishReplay(MonotonicTime now);
  uint64_t replayed() const { return replayed_; }

  // See Partition::Announce.
  void Announce(const Record& record) {
    if (partition_) partition_->Announce(record);
  }
  // REQUIRES: running, record.offset >= next().
  void Apply(const Record& record, Effects& effects);
  // After the records of a poll.
  void NoteRead(MonotonicTime now, EventTime last_record);
  // REQUIRES: all records handed out before have been applied, or the work waits to begin again.
  void NoteEnd(MonotonicTime now, Offset end);
  bool AtEnd() const { return end_ >= next_; }

  // Quiet partitions (spec section 3). Not a record for `idle_after` (at `speed` times the clock's pace) is not enough:
  // while a leader is away, or a transaction is undecided, records wait where nobody sees them, and whoever has them
  // needs time to deliver them afterwards. So for all of `idle_after` each answer must have been that everything is
  // read. A leader that does not answer, more than was read, a transaction that is undecided, work that began again:
  // each of them makes it count anew from the next answer on. Only then does the watermark move, to its value at the
  // last record plus all the time since. (Nobody is asked before `idle_after` has passed since the last record: what
  // happens and is over within that time is not noticed.)

  // Whether it may be quiet, so that its leader is worth asking.
  bool SeemsQuiet(MonotonicTime now, Duration idle_after, int speed) const;
  // Takes the leader's answer to a question asked at `asked`, known at `answered`: where the partition ends for
  // readers; nothing: no answer. `fetched_end`: where the last fetch saw it end, undecided transactions included.
  // Returns whether it was quiet at `asked`.
  bool ConfirmQuiet(MonotonicTime asked, MonotonicTime answered, std::optional<Offset> end,
                    std::optional<Offset> fetched_end, Duration idle_after, int speed);
  // The move of a quiet partition's watermark, as of `now`. Returns whether sessions were closed.
  bool AdvanceByClock(MonotonicTime now, int speed, Effects& effects);
  // Judges by other rules from here on: a decision.
  Decision ChangeRules(const Rules& rules, Effects& effects);

  // The move of the watermark that is not in the state topic yet. Moves without an effect are not worth a record until
  // something follows them; the last one stands for all.
  std::optional<Decision> TakeUnwrittenMove();

  // A snapshot of this state was begun (at an offset of the state topic), was written completely. It counts when that
  // is committed: one that is abandoned, or whose transaction is lost, leaves all there was since the one before.
  void NoteSnapshotBegun() { bytes_at_begun_ = bytes_; }
  void NoteSnapshotWritten(Offset begin);
  uint64_t bytes_since_snapshot() const { return bytes_ - bytes_at_snapshot_; }
  const std::optional<Offset>& older_snapshot() const { return committed_.older_snapshot; }
  // The snapshot of a state that began empty, which the first commit writes.
  std::optional<SnapshotEnd> TakeFirstSnapshot() { return std::exchange(first_snapshot_, std::nullopt); }
  // The state in memory is ahead of the last commit, by a move of the watermark that nothing depends on yet.
  bool has_unwritten_move() const { return unwritten_watermark_.has_value(); }
  SnapshotEnd DescribeState() const;
  // Something is to be committed even if no record was read.
  void SetDirty() { dirty_ = true; }

  // The offset to commit, under a token that names this commit alone; and that it was.
  CommittedOffset Attempt(const std::string& token);
  void NoteCommitted();

  void FillSnapshot(EventTime wall_now, std::optional<Offset> cached_end, PartitionSnapshot& snapshot) const;

 private:
  // What was read ahead for the state before is of no use.
  void Become(WorkState state) {
    state_ = state;
    told_broker_ = false;
  }
  void Forget();
  void ApplyDecisions(Offset before);
  void StartClock(MonotonicTime now);

  const PartitionId id_;
  WorkState state_ = WorkState::kWaiting;
  bool told_broker_ = false;
  std::optional<Partition> partition_;
  Offset next_{};
  Offset end_{-1};            // where the partition ended when its end was last reached
  bool dirty_ = false;        // inputs since the last attempt to commit
  std::string attempted_;     // the metadata of that attempt, or of the commit that the state was recovered to
  CommitMetadata committed_;  // what the last commit said; the attempt's values until it is known
  uint64_t acknowledged_sequence_ = 0;
  uint64_t decisions_ = 0;  // the number of the last one
  std::optional<EventTime> unwritten_watermark_;
  std::optional<SnapshotEnd> first_snapshot_;
  uint64_t bytes_ = 0;                        // of records taken since the state in memory began, one more for each
  uint64_t bytes_at_snapshot_ = 0;            // at the beginning of the last one that is committed
  uint64_t bytes_at_begun_ = 0;               // of the last one that was begun
  std::optional<uint64_t> bytes_at_written_;  // of the one whose end is written, not committed
  PartitionCounters counted_;

  // Replay.
  Offset target_{};
  std::string target_metadata_;  // as the group has it
  uint64_t expected_digest_ = 0;
  std::vector<Decision> replay_decisions_;
  size_t replay_decision_ = 0;  // the next one
  uint64_t replayed_ = 0;

  std::optional<MonotonicTime> last_read_;             // when records last came
  std::optional<MonotonicTime> all_read_since_;        // that everything is read has been each answer since then
  EventTime watermark_at_last_read_ = kBeforeAllTime;  // and what they made of the watermark
  EventTime last_record_ = kBeforeAllTime;             // the record's own time
};

}  // namespace tidemark
