#include "tests/sim/sim_cluster.h"

#include <algorithm>

namespace tidemark::sim {
namespace {

constexpr Duration kTransactionTimeout = Seconds(15);

}  // namespace

void SimLog::Append(Entry entry) {
  if (entry.txn) undecided_.try_emplace(entry.txn.get(), end());
  entries_.push_back(std::move(entry));
}

void SimLog::AppendMarker(const TxnPtr& txn) {
  undecided_.erase(txn.get());
  entries_.push_back(Entry{.is_marker = true, .txn = txn, .key = {}, .value = {}, .headers = {}});
}

int64_t SimLog::LastStableOffset() const {
  int64_t stable = end();
  for (const auto& [txn, first] : undecided_) stable = std::min(stable, first);
  return stable;
}

std::vector<SimLog*> SimCluster::LogsOf(const std::string& topic) {
  std::vector<SimLog*> logs;
  for (auto& [name, log] : logs_) {
    if (name.first == topic) logs.push_back(&log);
  }
  return logs;
}

std::optional<int> SimCluster::InitProducer(const std::string& transactional_id) {
  Producer& producer = producers_[transactional_id];
  if (producer.txn && producer.txn->state == Txn::State::kOpen) {
    ++producer.epoch;
    Decide(transactional_id, producer, false);
  }
  if (producer.txn && producer.txn->markers_missing > 0) return std::nullopt;
  producer.txn.reset();
  Trace("{} has a new producer (epoch {})", transactional_id, producer.epoch + 1);
  return ++producer.epoch;
}

bool SimCluster::Begin(const std::string& transactional_id, int epoch) {
  Producer& producer = producers_[transactional_id];
  // Like the client, it waits for the last transaction to be over.
  while (producer.txn && producer.txn->markers_missing > 0) Turn();
  if (producer.epoch != epoch || (producer.txn && producer.txn->state == Txn::State::kOpen)) return false;
  producer.txn = std::make_shared<Txn>();
  producer.txn->began = clock_.Now();
  producer.partitions.clear();
  return true;
}

bool SimCluster::Append(const std::string& transactional_id, int epoch, const std::string& topic, PartitionId partition,
                        Entry entry) {
  Producer& producer = producers_[transactional_id];
  if (producer.epoch != epoch || !producer.txn || producer.txn->state != Txn::State::kOpen) return false;
  const std::pair place{topic, partition};
  if (std::find(producer.partitions.begin(), producer.partitions.end(), place) == producer.partitions.end()) {
    producer.partitions.push_back(place);
  }
  entry.txn = producer.txn;
  Trace("{} writes to {}:{} {} {}", transactional_id, topic, partition.value, entry.key.value_or("-"),
        entry.headers.empty() ? "" : entry.headers.back().second);
  logs_[place].Append(std::move(entry));
  return true;
}

bool SimCluster::AddOffsets(const std::string& transactional_id, int epoch,
                            const std::vector<CommittedOffset>& offsets) {
  Producer& producer = producers_[transactional_id];
  if (producer.epoch != epoch || !producer.txn || producer.txn->state != Txn::State::kOpen) return false;
  if (producer.txn->offsets.empty()) undecided_offsets_.push_back(producer.txn);
  for (const CommittedOffset& offset : offsets) {
    producer.txn->offsets[offset.partition] = offset;
    Trace("{} sends offset {}:{} {}", transactional_id, offset.partition.value, offset.offset->value, offset.metadata);
  }
  return true;
}

bool SimCluster::End(const std::string& transactional_id, int epoch, bool commit) {
  Producer& producer = producers_[transactional_id];
  if (producer.epoch != epoch || !producer.txn) return false;
  if (producer.txn->state == Txn::State::kOpen) Decide(transactional_id, producer, commit);
  return (producer.txn->state == Txn::State::kCommitted) == commit;
}

void SimCluster::EndLater(const std::string& transactional_id, int epoch) {
  on_its_way_.push_back([this, transactional_id, epoch] { End(transactional_id, epoch, true); });
}

// From here on the end is certain, but nobody knows yet.
void SimCluster::Decide(const std::string& transactional_id, Producer& producer, bool commit) {
  Trace("{} {} the transaction (epoch {})", transactional_id, commit ? "commits" : "aborts", producer.epoch);
  const TxnPtr txn = producer.txn;
  txn->state = commit ? Txn::State::kCommitted : Txn::State::kAborted;
  for (const auto& place : producer.partitions) {
    ++txn->markers_missing;
    on_its_way_.push_back([this, place, txn] {
      logs_[place].AppendMarker(txn);
      --txn->markers_missing;
    });
  }
  if (txn->offsets.empty()) return;
  ++txn->markers_missing;
  on_its_way_.push_back([this, txn, commit] {
    for (const auto& [partition, offset] : txn->offsets) {
      if (commit) committed_[partition].push_back(offset);
    }
    std::erase(undecided_offsets_, txn);
    --txn->markers_missing;
  });
}

std::optional<CommittedOffset> SimCluster::Committed(PartitionId partition) const {
  for (const TxnPtr& txn : undecided_offsets_) {
    if (txn->offsets.contains(partition)) return std::nullopt;
  }
  const auto found = committed_.find(partition);
  if (found == committed_.end() || found->second.empty()) return CommittedOffset{partition, std::nullopt, {}};
  return found->second.back();
}

void SimCluster::Turn() {
  if (!on_its_way_.empty()) {
    const auto chosen = static_cast<size_t>(random_.Below(static_cast<int64_t>(on_its_way_.size())));
    const auto deliver = std::move(on_its_way_[chosen]);
    on_its_way_.erase(on_its_way_.begin() + static_cast<std::ptrdiff_t>(chosen));
    deliver();
  }
  for (auto& [id, producer] : producers_) {
    const bool open = producer.txn && producer.txn->state == Txn::State::kOpen;
    if (!open || clock_.Now() - producer.txn->began < kTransactionTimeout) continue;
    ++producer.epoch;
    Decide(id, producer, false);
  }
}

void SimCluster::DeliverAll() {
  while (!on_its_way_.empty()) Turn();
}

}  // namespace tidemark::sim
