#include "tests/sim/sim_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/partition.h"
#include "core/state_record.h"
#include "ingest/commit_metadata.h"
#include "sinks/kafka_sink.h"
#include "tests/sim/sim_broker.h"

namespace tidemark::sim {
namespace {

constexpr int kDifferencesShown = 3;

using Outputs = std::multiset<std::string>;

std::string ToText(std::string_view topic, const SimRecord& record) {
  std::string text =
      fmt::format("{} key={} value={}", topic, record.key.value_or("(null)"), record.value.value_or("(null)"));
  for (const SimHeader& header : record.headers) {
    text += fmt::format(" {}={}", header.name, header.value.value_or("(null)"));
  }
  return text;
}

// The records that the replay's effects make.
class OutputsWriter : public RecordWriter {
 public:
  OutputsWriter(Outputs& outputs, uint64_t max_record_bytes) : outputs_(outputs), max_record_bytes_(max_record_bytes) {}

  absl::Status Write(const OutputRecord& record) override {
    outputs_.insert(ToText(record.topic, ToSimRecord(record)));
    return absl::OkStatus();
  }
  uint64_t max_record_bytes() const override { return max_record_bytes_; }

 private:
  Outputs& outputs_;
  const uint64_t max_record_bytes_;
};

// As the shard hands effects to its sink.
class EffectsToOutputs : public Effects {
 public:
  EffectsToOutputs(const KafkaOptions& kafka, PartitionId partition, OutputsWriter& writer)
      : sink_(writer, {kafka.sessions_topic, kafka.late_topic, kafka.dead_letters_topic}) {
    context_.source = {kafka.events_topic, partition};
  }

  void set_input(const SimRecord* input) { input_ = input; }
  void OnSession(const ClosedSession& session) override { sink_.Session(session, context_.source).IgnoreError(); }
  void OnLate(const LateEvent& late) override { sink_.Late(late, Context()).IgnoreError(); }
  void OnDeadLetter(const DeadLetter& dead) override { sink_.Dead(dead, Context()).IgnoreError(); }

 private:
  const RecordContext& Context() {
    headers_.clear();
    for (const SimHeader& header : input_->headers) headers_.push_back({header.name, header.value});
    context_.key.reset();
    if (input_->key) context_.key = *input_->key;
    context_.headers = headers_;
    return context_;
  }

  KafkaSink sink_;
  RecordContext context_;
  std::vector<RecordHeader> headers_;
  const SimRecord* input_ = nullptr;
};

// A complete snapshot as it lies in the state topic.
struct FoundSnapshot {
  SnapshotEnd end;
  std::vector<std::string_view> chunks;
  int64_t decision;  // to commit, that made it visible
};

// All of one state partition.
struct StateHistory {
  std::vector<Decision> decisions;
  std::vector<FoundSnapshot> snapshots;
  std::string failure;
};

StateHistory ReadStateHistory(const SimLog& log) {
  StateHistory history;
  std::vector<std::string_view> chunks;
  uint64_t snapshot = 0;
  for (const SimLog::Entry& entry : log.entries()) {
    if (entry.state != SimLog::State::kCommitted) continue;
    auto record = DecodeStateRecord(*entry.record.value);
    if (!record.ok()) {
      history.failure = "a state record cannot be read: " + record.status().ToString();
      return history;
    }
    if (auto* decision = std::get_if<Decision>(&*record)) {
      history.decisions.push_back(std::move(*decision));
    } else if (const auto* chunk = std::get_if<SnapshotChunk>(&*record)) {
      if (chunk->index == 0) chunks.clear();
      snapshot = chunk->snapshot;
      chunks.push_back(chunk->sessions);
    } else {
      auto& end = std::get<SnapshotEnd>(*record);
      if (end.chunks == 0) chunks.clear();
      const bool whole = end.chunks == chunks.size() && (chunks.empty() || snapshot == end.snapshot);
      if (!whole) history.failure = fmt::format("snapshot {} ends without all its chunks", end.snapshot);
      history.snapshots.push_back({std::move(end), std::exchange(chunks, {}), entry.decision});
    }
  }
  return history;
}

// Replays one partition along its commits.
class PartitionCheck {
 public:
  PartitionCheck(SimCluster& cluster, const SimPlan& plan, PartitionId id, Outputs& outputs, SimChecked& checked)
      : cluster_(cluster),
        id_(id),
        log_(cluster.events(id)),
        checked_(checked),
        state_(ReadStateHistory(cluster.state(id))),
        event_time_speed_(plan.event_time_speed),
        writer_(outputs, plan.max_record_bytes),
        effects_(plan.kafka, id, writer_) {}

  std::string Check() {
    if (!state_.failure.empty()) return Fail(state_.failure);
    std::string failure = CheckBeginning();
    if (failure.empty()) failure = CheckDecisions();
    for (const auto& [decision, offset] : cluster_.offsets().HistoryOf(id_)) {
      if (failure.empty()) failure = CheckCommit(decision, offset);
    }
    return failure.empty() ? CheckEnd() : failure;
  }

 private:
  std::string Fail(const std::string& why) const { return fmt::format("partition {}: {}", id_.value, why); }

  std::string CheckBeginning() {
    if (state_.snapshots.empty()) return Fail("has no snapshot, not even the empty one of the beginning");
    const FoundSnapshot& first = state_.snapshots.front();
    if (first.end.snapshot != 0 || first.end.next != Offset{0} || first.end.sessions != 0 || first.end.decisions != 0) {
      return Fail(fmt::format("the first snapshot is not the empty one: number {}, next {}, {} sessions, {} decisions",
                              first.end.snapshot, first.end.next.value, first.end.sessions, first.end.decisions));
    }
    partition_.emplace(id_, first.end.rules);
    return CheckSnapshots(0, 0, Offset{0}, 0);
  }

  std::string CheckDecisions() {
    Offset before{0};
    for (size_t i = 0; i < state_.decisions.size(); ++i) {
      const Decision& decision = state_.decisions[i];
      if (decision.number != i + 1 || decision.before < before) {
        return Fail(fmt::format("decision {} before offset {} where number {} from offset {} on is expected",
                                decision.number, decision.before.value, i + 1, before.value));
      }
      before = decision.before;
      const bool moved = std::holds_alternative<WatermarkMoved>(decision.what);
      ++(moved ? checked_.watermarks_moved : checked_.rules_changed);
    }
    return "";
  }

  std::string CheckCommit(int64_t decision, const CommittedOffset& offset) {
    ++checked_.commits;
    const auto metadata = ParseCommitMetadata(offset.metadata);
    if (!metadata.ok()) return Fail("a commit has unreadable metadata: " + offset.metadata);
    ++commits_;
    if (metadata->sequence != commits_) {
      return Fail(fmt::format("commit {} where {} is expected: {}", metadata->sequence, commits_, offset.metadata));
    }
    if (metadata->decisions > state_.decisions.size()) return Fail("a commit counts a decision that is not there");
    ReplayTo(*offset.offset, metadata->decisions);
    const bool here = next_ <= *offset.offset && applied_ == metadata->decisions;
    if (!here) {
      return Fail(fmt::format("commit {} is of offset {} and {} decisions, the replay is at {} and {}", commits_,
                              offset.offset->value, metadata->decisions, next_.value, applied_));
    }
    if (metadata->digest != partition_->digest()) {
      return Fail(fmt::format("commit {} (offset {}, {} decisions) has another state than the replay: {}", commits_,
                              offset.offset->value, applied_, offset.metadata));
    }
    return CheckSnapshots(commits_, decision, *offset.offset, applied_);
  }

  // Records before `end`, and as many decisions, each at its place.
  void ReplayTo(Offset end, uint64_t decisions) {
    for (;;) {
      const auto record = log_.NextVisible(next_);
      const bool record_due = record && *record < end;
      const bool decision_due =
          applied_ < decisions && (!record || state_.decisions[applied_].before <= *record || !record_due);
      if (decision_due) {
        Apply(state_.decisions[applied_++]);
      } else if (record_due) {
        Apply(*record);
      } else {
        return;
      }
    }
  }

  void Apply(const Decision& decision) {
    if (const auto* moved = std::get_if<WatermarkMoved>(&decision.what)) {
      const Duration allowed = cluster_.AllowedMove(id_, decision.number) * event_time_speed_;
      if (moved->watermark > partition_->watermark() + allowed) moved_too_far_ = decision.number;
      partition_->AdvanceWatermark(moved->watermark, effects_);
    } else {
      partition_->ChangeRules(std::get<RulesChanged>(decision.what).rules, effects_);
    }
  }

  void Apply(Offset offset) {
    const SimRecord& record = log_.at(offset).record;
    Record input{{}, offset, record.timestamp};
    if (record.value) input.value = *record.value;
    effects_.set_input(&record);
    partition_->Apply(input, effects_);
    next_ = {offset.value + 1};
    ++checked_.records;
  }

  // Those of the state here, which commit number `sequence` says.
  std::string CheckSnapshots(uint64_t sequence, int64_t decision, Offset next, uint64_t decisions) {
    for (const FoundSnapshot& found : state_.snapshots) {
      if (found.end.snapshot != sequence) continue;
      ++checked_.snapshots;
      checked_.chunks += static_cast<int64_t>(found.chunks.size());
      if (found.decision < decision) return Fail(fmt::format("snapshot {} is ahead of its commit", sequence));
      const SnapshotEnd& end = found.end;
      const bool same = end.next == next && end.decisions == decisions && end.digest == partition_->digest() &&
                        end.watermark == partition_->watermark();
      if (!same || !Restores(found)) {
        return Fail(fmt::format("snapshot {} (next {}, {} decisions) is not the state of its commit (next {}, {})",
                                sequence, end.next.value, end.decisions, next.value, decisions));
      }
    }
    return "";
  }

  bool Restores(const FoundSnapshot& found) const {
    Partition restored(id_, Rules{});
    for (const std::string_view chunk : found.chunks) {
      if (!restored.RestoreSessions(chunk)) return false;
    }
    return restored.FinishRestore(found.end.rules, found.end.watermark) && restored.digest() == found.end.digest;
  }

  std::string CheckEnd() {
    if (log_.NextVisible(next_)) return Fail(fmt::format("the record at {} was never taken", next_.value));
    if (moved_too_far_ > 0) return Fail(fmt::format("decision {} moved the watermark too far", moved_too_far_));
    if (applied_ != state_.decisions.size()) return Fail("a decision follows the last commit");
    if (partition_->open_sessions() > 0) return Fail("a session is still open");
    if (state_.snapshots.back().end.snapshot > commits_) return Fail("a snapshot follows the last commit");
    const PartitionCounters& counters = partition_->counters();
    uint64_t outcomes = 0;
    for (const uint64_t outcome : counters.outcomes) outcomes += outcome;
    return outcomes == counters.records ? "" : Fail("the outcomes do not add up");
  }

  SimCluster& cluster_;
  const PartitionId id_;
  const SimLog& log_;
  SimChecked& checked_;
  const StateHistory state_;
  const int event_time_speed_;
  OutputsWriter writer_;
  EffectsToOutputs effects_;
  std::optional<Partition> partition_;
  Offset next_{0};        // behind the last record applied
  uint64_t applied_ = 0;  // decisions
  uint64_t commits_ = 0;
  uint64_t moved_too_far_ = 0;  // decision; 0: none
};

// What a read_committed reader sees of a topic.
int64_t Collect(SimCluster& cluster, const std::string& topic, Outputs& outputs) {
  int64_t count = 0;
  for (const SimLog& log : cluster.outputs(topic)) {
    for (auto offset = log.NextVisible({0}); offset; offset = log.NextVisible({offset->value + 1})) {
      outputs.insert(ToText(topic, log.at(*offset).record));
      ++count;
    }
  }
  return count;
}

void ShowDifference(const char* what, const Outputs& these, const Outputs& those, std::string& text) {
  std::vector<std::string> difference;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(), std::back_inserter(difference));
  if (difference.empty()) return;
  text += fmt::format("{} {}:\n", difference.size(), what);
  difference.resize(std::min<size_t>(difference.size(), kDifferencesShown));
  for (const std::string& line : difference) text += "  " + line + "\n";
}

}  // namespace

std::string CheckSimCluster(SimCluster& cluster, const SimPlan& plan, SimChecked& checked) {
  Outputs expected;
  std::string failures;
  for (int32_t partition = 0; partition < plan.partitions; ++partition) {
    const std::string failure = PartitionCheck(cluster, plan, {partition}, expected, checked).Check();
    if (!failure.empty()) failures += failure + "\n";
  }
  if (!failures.empty()) return failures;
  Outputs actual;
  checked.sessions += Collect(cluster, plan.kafka.sessions_topic, actual);
  checked.late += Collect(cluster, plan.kafka.late_topic, actual);
  checked.dead_letters += Collect(cluster, plan.kafka.dead_letters_topic, actual);
  std::string difference;
  ShowDifference("lost or other than expected", expected, actual, difference);
  ShowDifference("doubled or unexpected", actual, expected, difference);
  return difference;
}

}  // namespace tidemark::sim
