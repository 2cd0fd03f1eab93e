// The offsets a group has committed, and those that wait in open transactions. All that was ever committed is kept, in
// the order of the decisions to commit. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ingest/broker.h"

namespace tidemark::sim {

class SimOffsets {
 public:
  struct Decided {
    int64_t decision;  // which of the cluster's decisions to commit
    CommittedOffset offset;
  };

  void AddPending(int64_t producer, std::span<const CommittedOffset> offsets) {
    for (const CommittedOffset& offset : offsets) pending_[producer].insert_or_assign(offset.partition, offset);
  }

  // The transaction is to be committed: from now on nothing can stop it.
  void Decide(int64_t producer, int64_t decision) {
    const auto pending = pending_.find(producer);
    if (pending == pending_.end()) return;
    for (const auto& [partition, offset] : pending->second) history_[partition].push_back({decision, offset});
  }

  // Its marker has reached the offsets.
  void Mark(int64_t producer, bool commit) {
    const auto pending = pending_.extract(producer);
    if (!pending || !commit) return;
    for (const auto& [partition, offset] : pending.mapped()) committed_.insert_or_assign(partition, offset);
  }

  // Whether an open transaction may still change it; then a reader of stable offsets has to wait.
  bool IsPending(PartitionId partition) const {
    return std::any_of(pending_.begin(), pending_.end(),
                       [&](const auto& entry) { return entry.second.contains(partition); });
  }
  bool AnyPending() const { return !pending_.empty(); }

  CommittedOffset Of(PartitionId partition) const {
    const auto found = committed_.find(partition);
    return found == committed_.end() ? CommittedOffset{partition, std::nullopt, {}} : found->second;
  }

  const std::vector<Decided>& HistoryOf(PartitionId partition) { return history_[partition]; }

 private:
  std::map<PartitionId, CommittedOffset> committed_;
  std::map<int64_t, std::map<PartitionId, CommittedOffset>> pending_;  // by producer id
  std::map<PartitionId, std::vector<Decided>> history_;
};

}  // namespace tidemark::sim
