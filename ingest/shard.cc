#include "ingest/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ingest/crash_point.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kQuietCheckInterval = Seconds(1);
constexpr size_t kRecordsPerLook = 64;  // at the clock, for what is due among the records of a poll
constexpr Duration kAuditInterval = Minutes(1);
// A snapshot must not fill the producer's queue: whoever writes next would wait until there is room.
constexpr uint64_t kMostAheadOfBrokers = 8 << 20;
constexpr uint32_t kMaxFailuresInARow = 5;

}  // namespace

// Writes the effects of one partition, beginning a transaction with the first of them. Keeps the first error.
class Shard::EffectsToSink : public Effects {
 public:
  EffectsToSink(Shard& shard, PartitionId partition) : shard_(shard) {
    context_.source = {shard.options_.kafka.events_topic, partition};
  }

  void set_input(const InputRecord* input) { input_ = input; }
  const absl::Status& status() const { return status_; }

  void OnSession(const ClosedSession& session) override {
    if (Begin(session.json.size())) status_ = shard_.output_.sink().Session(session, context_.source);
  }
  void OnLate(const LateEvent& late) override {
    if (Begin(late.record.value.size())) status_ = shard_.output_.sink().Late(late, Context());
  }
  void OnDeadLetter(const DeadLetter& dead) override {
    if (Begin(dead.record.value.size())) status_ = shard_.output_.sink().Dead(dead, Context());
  }

 private:
  bool Begin(uint64_t bytes) {
    if (status_.ok()) status_ = shard_.output_.Begin(bytes);
    return status_.ok();
  }

  const RecordContext& Context() {
    context_.key = input_->key;
    context_.headers = shard_.broker_.Headers(*input_);
    return context_;
  }

  Shard& shard_;
  RecordContext context_;
  const InputRecord* input_ = nullptr;
  absl::Status status_;
};

Shard::Shard(ShardOptions options, Broker& broker, const Clock& clock, ShardHeartbeat& heartbeat)
    : options_(std::move(options)),
      broker_(broker),
      clock_(clock),
      heartbeat_(heartbeat),
      output_(options_.shard, options_.kafka, broker, clock, heartbeat, totals_),
      recovery_(options_.shard, options_.kafka, options_.rules, broker, clock, totals_),
      snapshotter_(options_.kafka, broker, clock, output_, totals_),
      next_commit_(clock.Now() + options_.kafka.commit_interval),
      last_quiet_check_(clock.Now()),
      last_audit_(clock.Now()) {
  totals_.shard = options_.shard;
  totals_.last_commit = clock.WallNow();
  heartbeat_.last_turn_ms = clock.Now().ms;
}

Shard::~Shard() = default;

absl::Status Shard::Step(Duration max_wait) {
  heartbeat_.last_turn_ms = clock_.Now().ms;
  absl::Status status = output_.Prepare();
  if (status.ok() && begin_wanted_ && output_.ready()) status = BeginWaiting();
  if (status.ok() && recovery_.active()) status = Recover(max_wait);
  if (status.ok() && (assign_wanted_ || HasNewWork())) status = Survive(ReadFromHere());
  if (!status.ok()) return status;

  status = broker_.Poll(TimeToWait(max_wait), poll_);
  if (!status.ok()) return status;
  if (poll_.assignment_epoch == assignment_epoch_) {
    status = ApplyRecords();
    if (status.ok()) status = NoteEndsAndErrors();
    status = Survive(status);
  }
  if (status.ok()) status = HandleChange();
  if (status.ok()) status = Survive(AdvanceQuietPartitions());
  if (status.ok()) status = Survive(WriteSnapshot());
  if (status.ok()) status = CommitIfDue();
  return status;
}

// For records; there may be something else to do.
Duration Shard::TimeToWait(Duration max_wait) const {
  if (recovery_.reading()) return {0};
  if (snapshotter_.active()) return Milliseconds(1);
  return std::clamp(next_commit_ - clock_.Now(), Duration{0}, max_wait);
}

absl::Status Shard::WriteSnapshot() {
  const bool now = snapshotter_.active() && output_.ready() && broker_.UnacknowledgedBytes() < kMostAheadOfBrokers;
  return now ? snapshotter_.WriteSome(works_) : absl::OkStatus();
}

absl::Status Shard::CommitForStop() {
  absl::Status status;
  if (output_.ready()) {
    IncludeMoves();
    status = Commit();
    for (auto& [id, work] : works_) {
      if (status.ok()) status = SnapshotForStop(work);
    }
  }
  if (!output_.ready() && !works_.empty()) {
    Log(LogLevel::kWarn, "last_commit_failed",
        "the last commit failed or is in doubt; the next start reads on from what is committed",
        {{"shard", options_.shard}});
  }
  return status;
}

// How far the clock has moved what is quiet: no reason for a commit while the partition is ours; the last one takes it
// along for whoever goes on.
void Shard::IncludeMoves() {
  for (auto& [id, work] : works_) {
    if (work.running() && work.has_unwritten_move()) work.SetDirty();
  }
}

// Finishes the snapshot that is under way first, if there is one.
absl::Status Shard::SnapshotForStop(PartitionWork& work) {
  while (output_.ready() && (snapshotter_.active() || (work.running() && work.bytes_since_snapshot() > 0))) {
    heartbeat_.last_turn_ms = clock_.Now().ms;
    if (!snapshotter_.active() && !snapshotter_.Begin(work)) break;
    absl::Status status = Survive(snapshotter_.WriteSome(works_));
    const bool commit = output_.full() || !snapshotter_.active();
    if (status.ok() && commit) status = Commit();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void Shard::Close() {
  heartbeat_.last_turn_ms = clock_.Now().ms;
  for (const auto& [id, work] : works_) NoteGone(work);
  works_.clear();
  DropParked();
  broker_.Close();
}

// ---- records and the clock

PartitionWork* Shard::FindWork(PartitionId partition) {
  const auto found = works_.find(partition);
  return found == works_.end() ? nullptr : &found->second;
}

// Gaps upwards are normal (transaction markers, compaction); anything else is the client's mistake.
bool Shard::Accepts(const PartitionWork* work, const InputRecord& input) {
  if (work && work->reads() && input.record.offset >= work->next()) return true;
  ++totals_.records_dropped;
  return false;
}

// The records of a poll come in runs of one partition.
absl::Status Shard::ApplyRecords() {
  const std::vector<InputRecord>& records = poll_.records;
  absl::Status status;
  // After a commit that failed in between, all begin again.
  for (size_t begin = 0, end = 0; begin < records.size() && status.ok() && output_.ready(); begin = end) {
    const PartitionId partition = records[begin].partition;
    while (end < records.size() && records[end].partition == partition) ++end;
    status = ApplyRun(FindWork(partition), std::span(records).subspan(begin, end - begin));
  }
  return status;
}

absl::Status Shard::ApplyRun(PartitionWork* work, std::span<const InputRecord> records) {
  EffectsToSink effects(*this, records[0].partition);
  std::optional<EventTime> last_read;
  size_t announced = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const InputRecord& input = records[i];
    if (!Accepts(work, input)) continue;
    for (announced = std::max(announced, i); announced < std::min(i + kAnnouncedAhead, records.size()); ++announced) {
      work->Announce(records[announced].record);
    }
    if (work->state() == WorkState::kReplaying) {
      if (input.record.offset < work->target()) {
        work->Replay(input.record);
        CrashPoint("recovery.replaying");
        continue;
      }
      const absl::Status status = FinishReplay(*work);
      if (!status.ok() || !work->running()) return status;
      announced = i + 1;  // other rules may hold now: what was announced is forgotten
    }
    if (!last_read) {
      const absl::Status status = WriteUnwrittenMove(*work);
      if (!status.ok()) return status;
    }
    effects.set_input(&input);
    work->Apply(input.record, effects);
    last_read = input.record.timestamp;
    if (!effects.status().ok()) return effects.status();
    if (i % kRecordsPerLook != kRecordsPerLook - 1) continue;
    work->NoteRead(clock_.Now(), *last_read);
    const absl::Status status = CommitIfDue();
    if (!status.ok() || !work->reads()) return status;
  }
  if (last_read) work->NoteRead(clock_.Now(), *last_read);
  return absl::OkStatus();
}

absl::Status Shard::FinishReplay(PartitionWork& work) {
  if (recovery_.Finish(work)) return SwitchRules(work);
  assign_wanted_ = true;
  return absl::OkStatus();
}

// The state was recovered under the rules it was made with; from here on it is judged by those of this start.
absl::Status Shard::SwitchRules(PartitionWork& work) {
  if (work.partition()->rules() == options_.rules) return absl::OkStatus();
  EffectsToSink effects(*this, work.id());
  const Decision decision = work.ChangeRules(options_.rules, effects);
  Log(LogLevel::kInfo, "rules_changed", "the settings of sessions differ from the last run's: they count from here on",
      {{"shard", options_.shard}, {"partition", work.id().value}, {"offset", decision.before.value}});
  return effects.status().ok() ? output_.WriteState(work.id(), decision) : effects.status();
}

absl::Status Shard::NoteEndsAndErrors() {
  for (const PartitionEnd& end : poll_.ends) {
    PartitionWork* work = FindWork(end.partition);
    if (work == nullptr || !work->reads()) continue;  // an end seen for the state before says nothing of this one
    work->NoteEnd(clock_.Now(), end.end);
    if (work->state() != WorkState::kReplaying) continue;
    if (end.end < work->target()) {
      recovery_.NoteReplayEnd(*work);
      continue;
    }
    const absl::Status status = FinishReplay(*work);
    if (!status.ok()) return status;
  }
  for (const PartitionError& error : poll_.errors) {
    PartitionWork* work = FindWork(error.partition);
    if (!work || !work->reads()) continue;
    recovery_.NoteRecordGone(*work, error.message);
  }
  return absl::OkStatus();
}

// Spec section 3, quiet partition; see PartitionWork::SeemsQuiet. The time is read before the leaders are asked: as of
// then there was nothing more.
absl::Status Shard::AdvanceQuietPartitions() {
  const MonotonicTime now = clock_.Now();
  if (now - last_quiet_check_ < kQuietCheckInterval || !output_.ready()) return absl::OkStatus();
  last_quiet_check_ = now;
  const Duration idle_after = options_.kafka.idle_partition_after;
  const int speed = options_.event_time_speed;
  std::vector<PartitionId> quiet;
  for (const auto& [id, work] : works_) {
    if (work.SeemsQuiet(now, idle_after, speed)) quiet.push_back(id);
  }
  if (quiet.empty()) return absl::OkStatus();
  const std::vector<std::optional<Offset>> ends = broker_.EndOffsets(quiet);
  const MonotonicTime answered = clock_.Now();
  last_quiet_check_ = answered;  // however long they took, the shard has time for records in between
  for (size_t i = 0; i < quiet.size(); ++i) {
    PartitionWork& work = works_.at(quiet[i]);
    if (!work.ConfirmQuiet(now, answered, ends[i], broker_.CachedEnd(quiet[i]), idle_after, speed)) continue;
    EffectsToSink effects(*this, quiet[i]);
    const bool closed = work.AdvanceByClock(now, speed, effects);
    if (!effects.status().ok()) return effects.status();
    const absl::Status status = closed ? WriteUnwrittenMove(work) : absl::OkStatus();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Whatever follows from the watermark's move must not be committed without it.
absl::Status Shard::WriteUnwrittenMove(PartitionWork& work) {
  const std::optional<Decision> move = work.TakeUnwrittenMove();
  return move ? output_.WriteState(work.id(), *move) : absl::OkStatus();
}

// ---- commits

absl::Status Shard::CommitIfDue() {
  return clock_.Now() >= next_commit_ || output_.full() ? Commit() : absl::OkStatus();
}

absl::Status Shard::PrepareCommit(std::vector<CommittedOffset>& offsets) {
  const std::string token = fmt::format("{}.{}.{}", options_.incarnation, options_.shard, next_commit_number_);
  for (auto& [id, work] : works_) {
    if (!work.dirty() || !(work.running() || work.state() == WorkState::kFailed)) continue;
    absl::Status status = WriteUnwrittenMove(work);
    const auto first_snapshot = work.TakeFirstSnapshot();
    if (status.ok() && first_snapshot) status = output_.WriteState(id, *first_snapshot);
    if (!status.ok()) return status;
    offsets.push_back(work.Attempt(token));
  }
  return absl::OkStatus();
}

// And what is due when all is committed, be it just now or since long: it does not wait for more records. The next
// commit is due an interval after this one began; where it took long, records have as long, but an interval at most.
absl::Status Shard::Commit() {
  const MonotonicTime began = clock_.Now();
  const absl::Status status = CommitAlone();
  if (status.ok() && output_.ready()) {
    snapshotter_.AfterCommit(works_);
    AuditIfDue();
  }
  const MonotonicTime ended = clock_.Now();
  const Duration interval = options_.kafka.commit_interval;
  next_commit_ = std::max(began + interval, ended + std::min(ended - began, interval));
  return status;
}

absl::Status Shard::CommitAlone() {
  if (!output_.ready()) return absl::OkStatus();
  std::vector<CommittedOffset> offsets;
  absl::Status status = PrepareCommit(offsets);
  if (status.ok() && offsets.empty()) return absl::OkStatus();  // no input, so no effects either
  ++next_commit_number_;
  if (status.ok()) status = output_.Commit(offsets);
  if (!status.ok()) return Survive(status);

  failures_in_a_row_ = 0;
  if (!output_.ready()) {  // it took so long that it is in doubt
    BeginAllAgain();
    return absl::OkStatus();
  }
  for (const CommittedOffset& offset : offsets) works_.at(offset.partition).NoteCommitted();
  return absl::OkStatus();
}

// Whether the group still has what was committed last: nobody else may have written it, no broker lost it.
void Shard::AuditIfDue() {
  const MonotonicTime now = clock_.Now();
  if (now - last_audit_ < kAuditInterval) return;
  last_audit_ = now;
  std::vector<PartitionId> running;
  for (const auto& [id, work] : works_) {
    if (work.running() && !work.dirty()) running.push_back(id);
  }
  if (running.empty()) return;
  const auto committed = broker_.Committed(running);
  if (!committed.ok()) return;
  const bool sound = std::all_of(committed->begin(), committed->end(), [this](const CommittedOffset& offset) {
    return works_.at(offset.partition).Matches(offset);
  });
  if (sound) return;
  ++totals_.audits_failed;
  Log(LogLevel::kError, "audit_failed",
      "the group's committed offsets are not those of the last commit; beginning again", {{"shard", options_.shard}},
      "look for another process with this instance_id, and for reset offsets");
  StartAnew(CommitResult::kDoubtful);
}

// The producer goes, whatever its transaction is or was; what the group then has committed decides how all go on.
void Shard::StartAnew(CommitResult result) {
  output_.Abandon(result);
  BeginAllAgain();
}

// A lost transaction is survived, unless it is lost again and again without a commit in between.
absl::Status Shard::Survive(const absl::Status& status) {
  if (!absl::IsAborted(status)) return status;
  StartAnew(CommitResult::kAborted);
  if (++failures_in_a_row_ >= kMaxFailuresInARow) {
    return absl::InternalError(fmt::format("{} transactions in a row failed, the last with: {}", failures_in_a_row_,
                                           std::string(status.message())));
  }
  Log(LogLevel::kWarn, "transaction_failed", "a transaction failed; going on from the committed offsets",
      {{"shard", options_.shard}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

void Shard::FillSnapshot(ShardSnapshot& snapshot) const {
  snapshot = totals_;
  snapshot.in_group = in_group_;
  snapshot.records_without_value = output_.records_without_value();
  for (const Works* works : {&works_, &parked_}) {
    for (const auto& [id, work] : *works) snapshot.counters.Add(work.counted());
  }
  for (const auto& [id, work] : works_) {
    work.FillSnapshot(clock_.WallNow(), broker_.CachedEnd(id), snapshot.partitions.emplace_back());
    if (!work.partition()) continue;
    for (int type = 0; type < kTypeRulesCount; ++type) {
      snapshot.open_sessions[type] += work.partition()->open_sessions(static_cast<TypeRules>(type));
    }
    snapshot.tombstones += work.partition()->tombstones();
    snapshot.state_bytes += work.partition()->state_bytes();
  }
}

}  // namespace tidemark
