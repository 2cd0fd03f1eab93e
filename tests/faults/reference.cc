#include "tests/faults/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/timestamp.h"

namespace tidemark::testing {
namespace {

// Of a clock that runs a little faster or slower for a while, to get right, against one that does not. When it is set,
// the log says by how much.
constexpr int64_t kSlackMs = 50;

std::string OneLine(std::string text) {
  for (char& c : text) c = c == '\n' || c == '\t' ? ' ' : c;
  return text;
}

std::string Text(const std::optional<std::string>& bytes) { return bytes ? OneLine(*bytes) : "(null)"; }

}  // namespace

std::string Reference::SessionIdentity(int32_t partition, std::string_view id, std::string_view type,
                                       std::string_view created) {
  return OneLine(fmt::format("session {} {} {} {}", partition, id, type, created));
}

std::string Reference::SessionContent(std::string_view reason, std::string_view duplicates,
                                      std::string_view out_of_order, std::string_view first, std::string_view last,
                                      std::string_view json) {
  return OneLine(fmt::format("{} {} {} {}..{} {}", reason, duplicates, out_of_order, first, last, json));
}

std::string Reference::RecordIdentity(std::string_view kind, int32_t partition, int64_t offset) {
  return fmt::format("{} {}:{}", kind, partition, offset);
}

std::string Reference::RecordContent(const std::optional<std::string>& key, const std::optional<std::string>& value,
                                     std::string_view reason, std::string_view detail) {
  return fmt::format("{} {} {} {}", reason, detail, Text(key), Text(value));
}

class Reference::EffectsToLedger : public Effects {
 public:
  explicit EffectsToLedger(Reference& reference) : reference_(reference) {}

  void OnSession(const ClosedSession& session) override {
    ++reference_.sessions_;
    std::string created;
    AppendTimestamp(session.created, created);
    reference_.ledger_.Expect(
        SessionIdentity(reference_.id_, session.id, session.type, created),
        SessionContent(ToString(session.reason), fmt::to_string(session.duplicate_events),
                       fmt::to_string(session.out_of_order_events), fmt::to_string(session.first_offset.value),
                       fmt::to_string(session.last_offset.value), session.json));
  }
  void OnLate(const LateEvent& late) override {
    Expect("late", ToString(late.reason), fmt::to_string(late.late_by.ms));
  }
  void OnDeadLetter(const DeadLetter& dead) override { Expect("dead", ToString(dead.reason), dead.detail); }

 private:
  void Expect(std::string_view kind, std::string_view reason, std::string_view detail) {
    const StoredRecord& record = *reference_.record_;
    reference_.ledger_.Expect(RecordIdentity(kind, reference_.id_, record.offset),
                              RecordContent(record.key, record.value, reason, detail));
  }

  Reference& reference_;
};

Reference::Reference(int32_t partition, const Rules& rules, const PartitionLog& log, Ledger& ledger)
    : id_(partition),
      log_(log),
      ledger_(ledger),
      partition_(PartitionId{partition}, rules),
      decision_(log.decisions.begin()) {
  for (const SnapshotEnd& end : log.snapshots) snapshots_.emplace(std::pair(end.next.value, end.decisions), end);
  for (const std::string& problem : log.problems) Problem(problem);
}

Reference::~Reference() = default;

void Reference::Problem(std::string text) { problems_.push_back(fmt::format("partition {}: {}", id_, text)); }

void Reference::Take(const StoredRecord& record) {
  CheckSnapshots(record.offset);
  ApplyDecisionsBefore(record.offset, &record);
  record_ = &record;
  EffectsToLedger effects(*this);
  const std::string_view value = record.value ? std::string_view(*record.value) : std::string_view();
  partition_.Apply({value, Offset{record.offset}, EventTime{record.timestamp_ms}}, effects);
  record_ = nullptr;
  last_offset_ = record.offset;
  last_timestamp_ms_ = record.timestamp_ms;
  watermark_at_last_record_ = partition_.watermark();
  CheckSnapshots(record.offset + 1);
}

void Reference::Finish() {
  ApplyDecisionsBefore(std::numeric_limits<int64_t>::max(), nullptr);
  if (partition_.open_sessions() > 0) {
    Problem(fmt::format("{} sessions are open at the end, though the partition is quiet", partition_.open_sessions()));
  }
  for (const auto& [place, snapshot] : snapshots_) {
    Problem(fmt::format("a snapshot claims {} decisions before offset {}: there never was such a state", place.second,
                        place.first));
  }
}

void Reference::ApplyDecisionsBefore(int64_t offset, const StoredRecord* next) {
  for (; decision_ != log_.decisions.end() && decision_->second.decision.before.value <= offset; ++decision_) {
    Apply(decision_->second, next);
    CheckSnapshots(decision_->second.decision.before.value);
  }
}

void Reference::Apply(const LoggedDecision& logged, const StoredRecord* next) {
  const Decision& decision = logged.decision;
  if (decision.number != ++decided_) {
    Problem(fmt::format("decision {} follows decision {}", decision.number, decided_ - 1));
    decided_ = decision.number;
  }
  if (decision.before.value <= last_offset_ || (next == nullptr && decision.before.value > last_offset_ + 1)) {
    Problem(fmt::format("decision {} is for the place before {}, which is not after decision {}", decision.number,
                        decision.before.value, decided_ - 1));
  }
  EffectsToLedger effects(*this);
  if (const auto* changed = std::get_if<RulesChanged>(&decision.what)) {
    partition_.ChangeRules(changed->rules, effects);
    return;
  }
  const EventTime watermark = std::get<WatermarkMoved>(decision.what).watermark;
  CheckMove(logged, watermark, next);
  partition_.AdvanceWatermark(watermark, effects);
  ++moves_;
}

// Spec section 3, quiet partition: no further than the time in which the partition was known to have nothing more.
void Reference::CheckMove(const LoggedDecision& logged, EventTime watermark, const StoredRecord* next) {
  const int64_t until_ms = next != nullptr ? std::min(next->timestamp_ms, logged.logged_ms) : logged.logged_ms;
  const int64_t moved_ms = watermark.ms - watermark_at_last_record_.ms;
  if (moved_ms <= until_ms - last_timestamp_ms_ + kSlackMs + log_.wall_clock_moved_ms) return;
  Problem(fmt::format("decision {} moves the watermark by {} ms, but there was nothing to read for {} ms only",
                      logged.decision.number, moved_ms, until_ms - last_timestamp_ms_));
}

void Reference::CheckSnapshots(int64_t next_offset) {
  const auto [begin, end] = snapshots_.equal_range({next_offset, decided_});
  for (auto snapshot = begin; snapshot != end; ++snapshot) {
    ++snapshots_checked_;
    if (snapshot->second.digest != partition_.digest() || snapshot->second.watermark != partition_.watermark()) {
      Problem(fmt::format("the snapshot before offset {} and after decision {} has another digest than the state had",
                          next_offset, decided_));
    }
  }
  snapshots_.erase(begin, end);
}

}  // namespace tidemark::testing
