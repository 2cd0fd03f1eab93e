#include "ingest/partition_work.h"

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {

// What was said before the crash is not said again.
class NoEffects : public Effects {
 public:
  void OnSession(const ClosedSession&) override {}
  void OnLate(const LateEvent&) override {}
  void OnDeadLetter(const DeadLetter&) override {}
};

}  // namespace

bool PartitionWork::Matches(const CommittedOffset& committed) const {
  return partition_ && !dirty_ && !attempted_.empty() && committed.offset == next_ && committed.metadata == attempted_;
}

void PartitionWork::Continue() {
  Become(WorkState::kRunning);
  end_ = {-1};
  all_read_since_.reset();
  NoteCommitted();
}

void PartitionWork::Forget() {
  partition_.reset();
  end_ = {-1};
  dirty_ = false;
  attempted_.clear();
  committed_ = {};
  acknowledged_sequence_ = 0;
  decisions_ = 0;
  unwritten_watermark_.reset();
  first_snapshot_.reset();
  bytes_ = 0;
  bytes_at_snapshot_ = 0;
  bytes_at_begun_ = 0;
  bytes_at_written_.reset();
  counted_ = {};
  replay_decisions_.clear();
  replay_decision_ = 0;
  replayed_ = 0;
  last_read_.reset();
  all_read_since_.reset();
  watermark_at_last_read_ = kBeforeAllTime;
  last_record_ = kBeforeAllTime;
}

void PartitionWork::BeginEmpty(const Rules& rules, Offset next, Offset state_end, MonotonicTime now) {
  Forget();
  partition_.emplace(id_, rules);
  next_ = next;
  first_snapshot_ = DescribeState();
  NoteSnapshotWritten(state_end);
  dirty_ = true;
  Become(WorkState::kRunning);
  StartClock(now);
}

void PartitionWork::BeginLoading() {
  Forget();
  Become(WorkState::kLoading);
}

void PartitionWork::BeginReplay(LoadedState state, const CommittedOffset& committed, const CommitMetadata& expected) {
  Forget();
  partition_.emplace(std::move(state.partition));
  next_ = state.next;
  target_ = *committed.offset;
  target_metadata_ = committed.metadata;
  expected_digest_ = expected.digest;
  committed_ = expected;
  if (state.found_from != expected.newest_snapshot) {
    // The newest was of no use. This one is the newest that is, and the next one must not be the end of it.
    committed_.newest_snapshot = state.found_from;
    committed_.older_snapshot.reset();
  }
  replay_decisions_ = std::move(state.decisions);
  Become(WorkState::kReplaying);
}

// Those that come before the record at `before`.
void PartitionWork::ApplyDecisions(Offset before) {
  NoEffects effects;
  for (; replay_decision_ < replay_decisions_.size(); ++replay_decision_) {
    const Decision& decision = replay_decisions_[replay_decision_];
    if (decision.before > before) return;
    if (const auto* moved = std::get_if<WatermarkMoved>(&decision.what)) {
      partition_->AdvanceWatermark(moved->watermark, effects);
    } else {
      partition_->ChangeRules(std::get<RulesChanged>(decision.what).rules, effects);
    }
  }
}

void PartitionWork::Replay(const Record& record) {
  ApplyDecisions(record.offset);
  NoEffects effects;
  partition_->Apply(record, effects);
  next_ = {record.offset.value + 1};
  bytes_ += 1 + record.value.size();
  ++replayed_;
}

bool PartitionWork::FinishReplay(MonotonicTime now) {
  ApplyDecisions(target_);
  next_ = target_;
  if (replay_decision_ != replay_decisions_.size() || partition_->digest() != expected_digest_) return false;
  partition_->ForgetCounters();
  decisions_ = committed_.decisions;
  acknowledged_sequence_ = committed_.sequence;
  replay_decisions_ = {};
  attempted_ = std::move(target_metadata_);
  state_ = WorkState::kRunning;
  StartClock(now);
  return true;
}

// As if the last record had come now: the clock of another process, or of an earlier time, says nothing here.
void PartitionWork::StartClock(MonotonicTime now) {
  last_read_ = now;
  all_read_since_ = AtEnd() ? std::optional(now) : std::nullopt;
  watermark_at_last_read_ = partition_->watermark();
}

void PartitionWork::Apply(const Record& record, Effects& effects) {
  partition_->Apply(record, effects);
  next_ = {record.offset.value + 1};
  bytes_ += 1 + record.value.size();
  dirty_ = true;
}

void PartitionWork::NoteRead(MonotonicTime now, EventTime last_record) {
  last_read_ = now;
  all_read_since_.reset();  // until the end is reached again
  watermark_at_last_read_ = partition_->watermark();
  last_record_ = last_record;
}

void PartitionWork::NoteEnd(MonotonicTime now, Offset end) {
  if (!reads()) return;
  end_ = std::max(end_, end);
  if (AtEnd() && !all_read_since_) all_read_since_ = now;
}

bool PartitionWork::SeemsQuiet(MonotonicTime now, Duration idle_after, int speed) const {
  return running() && last_read_ && AtEnd() && watermark_at_last_read_ > kBeforeAllTime &&
         (now - *last_read_) * speed >= idle_after;
}

bool PartitionWork::ConfirmQuiet(MonotonicTime asked, MonotonicTime answered, std::optional<Offset> end,
                                 std::optional<Offset> fetched_end, Duration idle_after, int speed) {
  const bool undecided = end && fetched_end && *fetched_end > *end;
  if (!end || undecided || *end > std::max(next_, end_)) {
    all_read_since_.reset();
    return false;
  }
  if (!all_read_since_) all_read_since_ = answered;
  return (asked - *all_read_since_) * speed >= idle_after;
}

bool PartitionWork::AdvanceByClock(MonotonicTime now, int speed, Effects& effects) {
  const EventTime watermark = watermark_at_last_read_ + (now - *last_read_) * speed;
  if (watermark <= partition_->watermark()) return false;
  const uint64_t open_before = partition_->open_sessions();
  partition_->AdvanceWatermark(watermark, effects);
  unwritten_watermark_ = watermark;
  const bool closed = partition_->open_sessions() != open_before;
  dirty_ |= closed;  // at once: the effects may fail to be written
  return closed;
}

std::optional<Decision> PartitionWork::TakeUnwrittenMove() {
  const auto watermark = std::exchange(unwritten_watermark_, std::nullopt);
  if (!watermark) return std::nullopt;
  dirty_ = true;
  return Decision{++decisions_, next_, WatermarkMoved{*watermark}};
}

Decision PartitionWork::ChangeRules(const Rules& rules, Effects& effects) {
  partition_->ChangeRules(rules, effects);
  dirty_ = true;
  return {++decisions_, next_, RulesChanged{rules}};
}

void PartitionWork::NoteSnapshotWritten(Offset begin) {
  if (committed_.sequence > 0) committed_.older_snapshot = committed_.newest_snapshot;
  committed_.newest_snapshot = begin;
  bytes_at_written_ = bytes_at_begun_;
}

SnapshotEnd PartitionWork::DescribeState() const {
  SnapshotEnd end;
  end.snapshot = committed_.sequence;
  end.sessions = partition_->open_sessions() + partition_->tombstones();
  end.next = next_;
  end.decisions = decisions_;
  end.watermark = partition_->watermark();
  end.digest = partition_->digest();
  end.rules = partition_->rules();
  return end;
}

// REQUIRES: no unwritten move of the watermark.
CommittedOffset PartitionWork::Attempt(const std::string& token) {
  committed_.token = token;
  ++committed_.sequence;
  committed_.decisions = decisions_;
  committed_.digest = partition_->digest();
  attempted_ = ToText(committed_);
  dirty_ = false;
  return {id_, next_, attempted_};
}

void PartitionWork::NoteCommitted() {
  counted_ = partition_->counters();
  acknowledged_sequence_ = committed_.sequence;
  bytes_at_snapshot_ = std::exchange(bytes_at_written_, std::nullopt).value_or(bytes_at_snapshot_);
}

void PartitionWork::FillSnapshot(EventTime wall_now, std::optional<Offset> cached_end,
                                 PartitionSnapshot& snapshot) const {
  snapshot.partition = id_;
  snapshot.state = state_;
  snapshot.next = next_;
  snapshot.watermark = partition_ ? partition_->watermark() : kBeforeAllTime;
  if (!partition_) return;
  if (reads() && AtEnd()) {
    snapshot.lag_records = 0;
    snapshot.lag = Duration{0};
    return;
  }
  if (state_ == WorkState::kReplaying) snapshot.replay_remaining = std::max<int64_t>(target_.value - next_.value, 0);
  if (cached_end) snapshot.lag_records = std::max<int64_t>(cached_end->value - next_.value, 0);
  if (snapshot.lag_records == 0) snapshot.lag = Duration{0};
  const bool timed = !snapshot.lag && last_record_ > kBeforeAllTime && last_record_ < kAfterAllTime;
  if (timed) snapshot.lag = std::max(wall_now - last_record_, Duration{0});
}

}  // namespace tidemark
