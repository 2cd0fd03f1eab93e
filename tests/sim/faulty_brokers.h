// Brokers that undo one promise of the shard each, as if the shard did not keep it: to see that the checker notices.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/state_record.h"
#include "tests/sim/sim_broker.h"

namespace tidemark::sim {

// Sessions are visible before the commit they belong to, and without it.
class EmitsBeforeCommit : public SimBroker {
 public:
  using SimBroker::SimBroker;

  absl::Status Write(const OutputRecord& record) override {
    if (record.topic != cluster().options().sessions_topic) return SimBroker::Write(record);
    cluster().LogFor(record.topic, record.key, record.partition).AppendOutsideTransaction(ToSimRecord(record));
    return absl::OkStatus();
  }
};

// A snapshot says that it has a record more than the commit it was taken at.
class SnapshotsAheadOfCommit : public SimBroker {
 public:
  using SimBroker::SimBroker;

  absl::Status Write(const OutputRecord& record) override {
    if (!record.partition) return SimBroker::Write(record);
    auto decoded = DecodeStateRecord(*record.value);
    auto* end = std::get_if<SnapshotEnd>(&*decoded);
    if (end == nullptr || end->snapshot == 0) return SimBroker::Write(record);
    ++end->next.value;
    std::string encoded;
    EncodeStateRecord(*decoded, encoded);
    OutputRecord ahead = record;
    ahead.value = encoded;
    return SimBroker::Write(ahead);
  }
};

// No decision reaches the state topic.
class ForgetsDecisions : public SimBroker {
 public:
  using SimBroker::SimBroker;

  absl::Status Write(const OutputRecord& record) override {
    if (!record.partition) return SimBroker::Write(record);
    const auto decoded = DecodeStateRecord(*record.value);
    return std::holds_alternative<Decision>(*decoded) ? absl::OkStatus() : SimBroker::Write(record);
  }
};

// Nobody hears of the transactions that are undecided.
class HidesUndecidedTransactions : public SimBroker {
 public:
  using SimBroker::SimBroker;

  std::optional<Offset> CachedEnd(PartitionId) override { return std::nullopt; }
};

// Commits one record more than was taken.
class CommitsOneTooMuch : public SimBroker {
 public:
  using SimBroker::SimBroker;

  absl::Status SendOffsets(std::span<const CommittedOffset> offsets) override {
    std::vector<CommittedOffset> more(offsets.begin(), offsets.end());
    for (CommittedOffset& offset : more) ++offset.offset->value;
    return SimBroker::SendOffsets(more);
  }
};

// Believes that what it committed last is what is committed, whoever has had the partition since.
class ReusesOldState : public SimBroker {
 public:
  using SimBroker::SimBroker;

  absl::Status SendOffsets(std::span<const CommittedOffset> offsets) override {
    sent_.assign(offsets.begin(), offsets.end());
    return SimBroker::SendOffsets(offsets);
  }
  absl::Status CommitTransaction() override {
    const absl::Status status = SimBroker::CommitTransaction();
    for (const CommittedOffset& offset : sent_) {
      if (status.ok()) committed_.insert_or_assign(offset.partition, offset);
    }
    return status;
  }
  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override {
    auto result = SimBroker::Committed(partitions);
    if (!result.ok()) return result;
    for (CommittedOffset& offset : *result) {
      if (const auto own = committed_.find(offset.partition); own != committed_.end()) offset = own->second;
    }
    return result;
  }

 private:
  std::vector<CommittedOffset> sent_;
  std::map<PartitionId, CommittedOffset> committed_;
};

}  // namespace tidemark::sim
