#include "tests/sim/sim_log.h"

#include <algorithm>
#include <utility>

namespace tidemark::sim {

void SimLog::AppendOutsideTransaction(SimRecord record) {
  entries_.push_back({State::kCommitted, 0, std::move(record)});
}

bool SimLog::Append(ProducerEpoch producer, SimRecord record) {
  int32_t& newest = epochs_[producer.id];
  if (producer.epoch < newest) return false;
  newest = producer.epoch;
  open_[producer.id].push_back(end().value);
  entries_.push_back({State::kOpen, 0, std::move(record)});
  return true;
}

void SimLog::Mark(ProducerEpoch producer, bool commit, int64_t decision) {
  int32_t& newest = epochs_[producer.id];
  newest = std::max(newest, producer.epoch);
  if (const auto open = open_.extract(producer.id)) {
    for (const int64_t offset : open.mapped()) {
      Entry& entry = entries_[static_cast<size_t>(offset)];
      entry.state = commit ? State::kCommitted : State::kAborted;
      entry.decision = decision;
    }
  }
  entries_.push_back({State::kMarker, decision, {}});
}

void SimLog::Truncate(Offset before) {
  if (before <= end()) first_ = std::max(first_, before.value);
}

Offset SimLog::stable_end() const {
  int64_t stable = end().value;
  for (const auto& [producer, offsets] : open_) stable = std::min(stable, offsets.front());
  return {stable};
}

std::optional<Offset> SimLog::NextVisible(Offset from) const {
  const Offset stable = stable_end();
  for (Offset offset{std::max(from.value, first_)}; offset < stable; ++offset.value) {
    if (at(offset).state == State::kCommitted) return offset;
  }
  return std::nullopt;
}

}  // namespace tidemark::sim
