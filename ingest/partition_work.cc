#include "ingest/partition_work.h"

#include <algorithm>

namespace tidemark {

bool PartitionWork::Matches(const CommittedOffset& committed) const {
  return partition_ && !dirty_ && !token_.empty() && committed.offset == next_ && committed.metadata == token_;
}

void PartitionWork::BeginEmpty(const Rules& rules, Offset next, bool fresh) {
  partition_.emplace(id_, rules);
  next_ = next;
  end_ = {-1};
  token_.clear();
  dirty_ = fresh;
  last_read_.reset();
  watermark_at_last_read_ = kBeforeAllTime;
  last_record_ = kBeforeAllTime;
  state_ = WorkState::kRunning;
}

void PartitionWork::Apply(const Record& record, Effects& effects) {
  partition_->Apply(record, effects);
  next_ = {record.offset.value + 1};
  dirty_ = true;
}

void PartitionWork::NoteRead(MonotonicTime now, EventTime last_record) {
  last_read_ = now;
  watermark_at_last_read_ = partition_->watermark();
  last_record_ = last_record;
}

bool PartitionWork::IsQuiet(MonotonicTime now, Duration idle_after, int speed) const {
  return state_ == WorkState::kRunning && last_read_ && AtEnd() && watermark_at_last_read_ > kBeforeAllTime &&
         (now - *last_read_) * speed >= idle_after;
}

bool PartitionWork::AdvanceByClock(MonotonicTime now, Offset end, int speed, Effects& effects) {
  if (end > std::max(next_, end_)) return false;
  const uint64_t open_before = partition_->open_sessions();
  partition_->AdvanceWatermark(watermark_at_last_read_ + (now - *last_read_) * speed, effects);
  const bool closed = partition_->open_sessions() != open_before;
  dirty_ |= closed;
  return closed;
}

CommittedOffset PartitionWork::Attempt(const std::string& token) {
  token_ = token;
  dirty_ = false;
  return {id_, next_, token};
}

void PartitionWork::FillSnapshot(EventTime wall_now, std::optional<Offset> cached_end,
                                 PartitionSnapshot& snapshot) const {
  snapshot.partition = id_;
  snapshot.state = state_;
  snapshot.next = next_;
  snapshot.watermark = partition_ ? partition_->watermark() : kBeforeAllTime;
  if (!partition_) return;
  if (AtEnd()) {
    snapshot.lag_records = 0;
    snapshot.lag = Duration{0};
    return;
  }
  if (cached_end) snapshot.lag_records = std::max<int64_t>(cached_end->value - next_.value, 0);
  const bool timed = last_record_ > kBeforeAllTime && last_record_ < kAfterAllTime;
  if (timed) snapshot.lag = std::max(wall_now - last_record_, Duration{0});
}

void AddCounters(PartitionCounters& total, const PartitionCounters& more) {
  const auto add = [](auto& to, const auto& from) {
    for (size_t i = 0; i < std::size(to); ++i) to[i] += from[i];
  };
  total.records += more.records;
  total.record_bytes += more.record_bytes;
  add(total.outcomes, more.outcomes);
  total.out_of_order += more.out_of_order;
  add(total.dead_letters, more.dead_letters);
  add(total.late, more.late);
  add(total.sessions_opened, more.sessions_opened);
  total.sessions_merged += more.sessions_merged;
  for (size_t type = 0; type < kTypeRulesCount; ++type) add(total.sessions_closed[type], more.sessions_closed[type]);
}

}  // namespace tidemark
