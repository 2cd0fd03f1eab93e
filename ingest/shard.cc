#include "ingest/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinks/log.h"

namespace tidemark {
namespace {

// A commit that took longer is in doubt even if it says that it succeeded (a late EndTxn could end the next one).
constexpr Duration kSlowCommit = Seconds(5);
constexpr Duration kQuietCheckInterval = Seconds(1);
constexpr uint64_t kMaxTransactionBytes = 32 << 20;
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
    if (Begin(session.json.size())) status_ = shard_.sink_->Session(session, context_.source);
  }
  void OnLate(const LateEvent& late) override {
    if (Begin(late.record.value.size())) status_ = shard_.sink_->Late(late, Context());
  }
  void OnDeadLetter(const DeadLetter& dead) override {
    if (Begin(dead.record.value.size())) status_ = shard_.sink_->Dead(dead, Context());
  }

 private:
  bool Begin(uint64_t bytes) {
    if (status_.ok()) status_ = shard_.EnsureTransaction();
    shard_.transaction_bytes_ += bytes;
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
      last_commit_(clock.Now()),
      last_quiet_check_(clock.Now()) {
  totals_.shard = options_.shard;
  heartbeat_.last_turn_ms = clock.Now().ms;
}

Shard::~Shard() = default;

absl::Status Shard::Step(Duration max_wait) {
  heartbeat_.last_turn_ms = clock_.Now().ms;
  absl::Status status = PrepareProducer();
  if (status.ok() && begin_wanted_) status = BeginWaiting();
  if (!status.ok()) return status;

  const Duration until_commit = last_commit_ + options_.kafka.commit_interval - clock_.Now();
  status = broker_.Poll(std::clamp(until_commit, Duration{0}, max_wait), poll_);
  if (!status.ok()) return status;
  if (poll_.assignment_epoch == assignment_epoch_) {
    status = Survive(ApplyRecords());
    if (!status.ok()) return status;
    NoteEndsAndErrors();
  }
  status = HandleChange();
  if (status.ok()) status = Survive(AdvanceQuietPartitions());
  if (status.ok()) status = CommitIfDue();
  return status;
}

absl::Status Shard::CommitForStop() {
  if (!producer_ready_) return absl::OkStatus();
  const absl::Status status = Commit();
  if (!producer_ready_) {
    Log(LogLevel::kWarn, "last_commit_failed",
        "the last commit failed or is in doubt; the next start reads on from "
        "what is committed",
        {{"shard", options_.shard}});
  }
  return status;
}

void Shard::Close() {
  heartbeat_.last_turn_ms = clock_.Now().ms;
  for (const auto& [id, work] : works_) DropState(work, "the process stops");
  works_.clear();
  broker_.Close();
}

// ---- assignment

absl::Status Shard::HandleChange() {
  switch (poll_.change) {
    case AssignmentChange::kNone:
      return absl::OkStatus();
    case AssignmentChange::kAssigned:
      TakeAssignment();
      return absl::OkStatus();
    case AssignmentChange::kRevoked: {
      const absl::Status status = Commit();  // the group waits for us, so the partitions are still ours
      return status.ok() ? GiveUpAssignment() : status;
    }
    case AssignmentChange::kLost:
      if (in_transaction_) AbandonTransaction(CommitResult::kAborted);
      return GiveUpAssignment();
  }
  return absl::OkStatus();
}

void Shard::TakeAssignment() {
  ++totals_.rebalances;
  in_group_ = true;
  begin_wanted_ = true;
  for (const PartitionId id : poll_.partitions) {
    if (auto parked = parked_.extract(id)) {
      works_.insert(std::move(parked));
    } else {
      works_.try_emplace(id, id);
    }
  }
  for (const auto& [id, work] : parked_) DropState(work, "the partition moved to another member of the group");
  parked_.clear();
  Log(LogLevel::kInfo, "partitions_assigned", fmt::format("the group assigned {} partitions", works_.size()),
      {{"shard", options_.shard}, {"topic", options_.kafka.events_topic}});
}

absl::Status Shard::GiveUpAssignment() {
  for (auto& [id, work] : works_) work.Wait();
  parked_.merge(works_);
  works_.clear();
  in_group_ = false;
  begin_wanted_ = false;
  assignment_epoch_ = broker_.Unassign();
  Log(LogLevel::kInfo, "partitions_revoked", "the group distributes the partitions anew", {{"shard", options_.shard}});
  return absl::OkStatus();
}

// From the committed offsets to reading. What the broker does not answer now is asked again with the next step.
absl::Status Shard::BeginWaiting() {
  std::vector<PartitionId> waiting;
  for (const auto& [id, work] : works_) {
    if (work.state() == WorkState::kWaiting) waiting.push_back(id);
  }
  absl::Status status;
  if (!waiting.empty()) {
    const auto committed = broker_.Committed(waiting);
    status = committed.status();
    for (size_t i = 0; status.ok() && i < committed->size(); ++i) {
      status = BeginWork(works_.at((*committed)[i].partition), (*committed)[i]);
    }
  }
  if (status.ok()) {
    std::vector<PartitionStart> starts;
    for (const auto& [id, work] : works_) {
      if (work.state() == WorkState::kRunning) starts.push_back({id, work.next()});
    }
    const auto epoch = broker_.Assign(starts);
    status = epoch.status();
    if (status.ok()) assignment_epoch_ = *epoch;
  }
  begin_wanted_ = !status.ok();
  if (!absl::IsUnavailable(status)) return status;
  Log(LogLevel::kWarn, "begin_waits", "cannot begin work on the partitions yet; trying again",
      {{"shard", options_.shard}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

// The only way to begin work on a partition: after a start, a rebalance, a failed or doubtful transaction. Recovery of
// the sessions that were open at the committed offset belongs here; until it exists a state that is not in memory
// any more is lost, and said to be.
absl::Status Shard::BeginWork(PartitionWork& work, const CommittedOffset& committed) {
  if (work.Matches(committed)) {
    work.Continue();
    return absl::OkStatus();
  }
  Offset next{};
  if (committed.offset) {
    next = *committed.offset;
  } else {
    const auto first = broker_.FirstOffset(work.id());
    if (!first.ok()) return first.status();
    next = *first;
  }
  DropState(work, "what the group has committed is not what this process last knew");
  work.BeginEmpty(options_.rules, next, !committed.offset);
  if (committed.offset) {
    Log(LogLevel::kWarn, "began_without_state",
        "begins at the committed offset without the sessions that were open there: their later events form new ones",
        {{"shard", options_.shard}, {"partition", work.id().value}, {"offset", next.value}});
  } else {
    Log(LogLevel::kInfo, "began_at_first_offset",
        "the group has no offset yet: begins with the partition's first record",
        {{"shard", options_.shard}, {"partition", work.id().value}, {"offset", next.value}});
  }
  return absl::OkStatus();
}

void Shard::BeginAllAgain() {
  for (auto& [id, work] : works_) work.Wait();
  begin_wanted_ = in_group_;
}

// Counts what is forgotten with a state, and says so if that is more than nothing.
void Shard::DropState(const PartitionWork& work, std::string_view why) {
  if (!work.partition()) return;
  AddCounters(totals_.counters, work.partition()->counters());
  totals_.open_sessions_dropped += work.open_sessions();
  if (work.open_sessions() == 0) return;
  Log(LogLevel::kWarn, "open_sessions_dropped",
      fmt::format("{} open sessions are forgotten: {}", work.open_sessions(), why),
      {{"shard", options_.shard}, {"partition", work.id().value}, {"offset", work.next().value}},
      "rebuild them with `tidemark replay` if they matter; see the documentation of restarts");
}

// ---- records and the clock

PartitionWork* Shard::FindWork(PartitionId partition) {
  const auto found = works_.find(partition);
  return found == works_.end() ? nullptr : &found->second;
}

// Gaps upwards are normal (transaction markers, compaction); anything else is the client's mistake.
bool Shard::Accepts(const PartitionWork* work, const InputRecord& input) {
  if (work && work->state() == WorkState::kRunning && input.record.offset >= work->next()) return true;
  ++totals_.records_dropped;
  return false;
}

// The records of a poll come in runs of one partition.
absl::Status Shard::ApplyRecords() {
  const std::vector<InputRecord>& records = poll_.records;
  const MonotonicTime now = clock_.Now();
  for (size_t i = 0; i < records.size();) {
    const PartitionId partition = records[i].partition;
    PartitionWork* work = FindWork(partition);
    EffectsToSink effects(*this, partition);
    bool read = false;
    size_t end = i;
    for (; end < records.size() && records[end].partition == partition; ++end) {
      if (!Accepts(work, records[end])) continue;
      effects.set_input(&records[end]);
      work->Apply(records[end].record, effects);
      read = true;
      if (!effects.status().ok()) return effects.status();
    }
    if (read) work->NoteRead(now, records[end - 1].record.timestamp);
    i = end;
  }
  return absl::OkStatus();
}

void Shard::NoteEndsAndErrors() {
  for (const PartitionEnd& end : poll_.ends) {
    if (PartitionWork* work = FindWork(end.partition)) work->NoteEnd(end.end);
  }
  for (const PartitionError& error : poll_.errors) {
    PartitionWork* work = FindWork(error.partition);
    if (!work || work->state() != WorkState::kRunning) continue;
    work->Fail();
    Log(LogLevel::kError, "partition_failed",
        "the next record is not in the topic: deleted, or the topic was re-created",
        {{"shard", options_.shard},
         {"topic", options_.kafka.events_topic},
         {"partition", error.partition.value},
         {"offset", work->next().value},
         {"err", error.message}},
        "stop tidemark, choose an offset with kafka-consumer-groups.sh --reset-offsets, start it again; "
        "the other partitions go on");
  }
}

// Spec section 3, quiet partition. The time is read before the leaders are asked: as of then there was nothing more.
absl::Status Shard::AdvanceQuietPartitions() {
  const MonotonicTime now = clock_.Now();
  if (now - last_quiet_check_ < kQuietCheckInterval || !producer_ready_) return absl::OkStatus();
  last_quiet_check_ = now;
  std::vector<PartitionId> quiet;
  for (const auto& [id, work] : works_) {
    if (work.IsQuiet(now, options_.kafka.idle_partition_after, options_.event_time_speed)) quiet.push_back(id);
  }
  if (quiet.empty()) return absl::OkStatus();
  const std::vector<std::optional<Offset>> ends = broker_.EndOffsets(quiet);
  for (size_t i = 0; i < quiet.size(); ++i) {
    if (!ends[i]) continue;
    EffectsToSink effects(*this, quiet[i]);
    works_.at(quiet[i]).AdvanceByClock(now, *ends[i], options_.event_time_speed, effects);
    if (!effects.status().ok()) return effects.status();
  }
  return absl::OkStatus();
}

// ---- transactions

// A new producer settles what the last one left open. Until it exists nothing is read.
absl::Status Shard::PrepareProducer() {
  if (producer_ready_) return absl::OkStatus();
  const absl::Status status = broker_.RestartProducer();
  if (status.ok()) {
    producer_ready_ = true;
    sink_.emplace(broker_, KafkaSinkTopics{options_.kafka.sessions_topic, options_.kafka.late_topic,
                                           options_.kafka.dead_letters_topic});
    return absl::OkStatus();
  }
  if (!absl::IsUnavailable(status)) return status;
  Log(LogLevel::kInfo, "producer_waits", "cannot start a transactional producer yet; trying again",
      {{"shard", options_.shard}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

absl::Status Shard::EnsureTransaction() {
  if (in_transaction_) return absl::OkStatus();
  const absl::Status status = broker_.BeginTransaction();
  in_transaction_ = status.ok();
  return status;
}

absl::Status Shard::CommitIfDue() {
  const bool due = clock_.Now() - last_commit_ >= options_.kafka.commit_interval;
  return due || transaction_bytes_ >= kMaxTransactionBytes ? Commit() : absl::OkStatus();
}

std::vector<CommittedOffset> Shard::OffsetsToCommit() {
  const std::string token =
      fmt::format("tidemark1 {}.{} {}", options_.incarnation, options_.shard, next_commit_number_);
  std::vector<CommittedOffset> offsets;
  for (auto& [id, work] : works_) {
    if (work.dirty() && work.state() != WorkState::kWaiting) offsets.push_back(work.Attempt(token));
  }
  return offsets;
}

absl::Status Shard::EndTransaction(const std::vector<CommittedOffset>& offsets) {
  absl::Status status = EnsureTransaction();
  if (status.ok()) status = broker_.SendOffsets(offsets);
  if (status.ok()) status = broker_.CommitTransaction();
  return status;
}

absl::Status Shard::Commit() {
  last_commit_ = clock_.Now();
  if (!producer_ready_) return absl::OkStatus();
  const std::vector<CommittedOffset> offsets = OffsetsToCommit();
  if (offsets.empty()) return absl::OkStatus();  // no input, so no effects either
  ++next_commit_number_;

  heartbeat_.commit_started_ms = last_commit_.ms;
  const absl::Status status = EndTransaction(offsets);
  heartbeat_.commit_started_ms = ShardHeartbeat::kNoCommit;
  const Duration took = clock_.Now() - last_commit_;
  if (!status.ok()) return Survive(status);

  failures_in_a_row_ = 0;
  in_transaction_ = false;
  transaction_bytes_ = 0;
  totals_.last_commit = clock_.WallNow();
  if (took > kSlowCommit) {
    AbandonTransaction(CommitResult::kDoubtful);
  } else {
    NoteCommit(CommitResult::kOk, took);
  }
  return absl::OkStatus();
}

// The producer goes, whatever its transaction is or was; what the group then has committed decides how all go on.
void Shard::AbandonTransaction(CommitResult result) {
  NoteCommit(result, clock_.Now() - last_commit_);
  producer_ready_ = false;
  in_transaction_ = false;
  transaction_bytes_ = 0;
  if (sink_) totals_.records_without_value += sink_->records_without_value();
  sink_.reset();
  BeginAllAgain();
}

void Shard::NoteCommit(CommitResult result, Duration took) {
  ++totals_.commits[static_cast<size_t>(result)];
  const auto bucket = std::lower_bound(kCommitBucketsMs.begin(), kCommitBucketsMs.end(), took.ms);
  ++totals_.commit_buckets[static_cast<size_t>(bucket - kCommitBucketsMs.begin())];
  totals_.commit_ms_total += static_cast<uint64_t>(std::max<int64_t>(took.ms, 0));
}

// A lost transaction is survived, unless it is lost again and again without a commit in between.
absl::Status Shard::Survive(const absl::Status& status) {
  if (!absl::IsAborted(status)) return status;
  AbandonTransaction(CommitResult::kAborted);
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
  if (sink_) snapshot.records_without_value += sink_->records_without_value();
  for (const Works* works : {&works_, &parked_}) {
    for (const auto& [id, work] : *works) {
      if (!work.partition()) continue;
      AddCounters(snapshot.counters, work.partition()->counters());
    }
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
