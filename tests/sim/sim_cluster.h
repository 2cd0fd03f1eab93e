// Kafka as far as a shard can tell: partitions with transactions in them, a coordinator that ends transactions, and
// committed offsets. Deterministic: time is given, chance comes from one generator.
//
// What is as in Kafka, because a shard must live with it:
//   - A transaction ends by a decision; markers then reach its partitions one after the other, each at its own time,
//     and the group's offsets too. Until its marker is there, nothing behind a transaction's first record is visible to
//     readers of committed records (last stable offset).
//   - A new producer with the same transactional id gets a higher epoch. What the old one left open is aborted; what
//   was
//     decided is finished first. Requests of an older epoch are refused.
//   - A request to end a transaction that was lost on its way may arrive later. It ends whatever transaction the same
//     epoch of the producer has open then, which may be the next one.
//   - Markers take offsets.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/broker.h"
#include "ingest/clock.h"
#include "tests/model/random_text.h"

namespace tidemark::sim {

class SimClock : public Clock {
 public:
  MonotonicTime Now() const override { return now_; }
  EventTime WallNow() const override { return {now_.ms}; }
  void Advance(Duration duration) { now_ = now_ + duration; }

 private:
  MonotonicTime now_{1'000'000};
};

struct Txn {
  enum class State : uint8_t { kOpen, kCommitted, kAborted };
  State state = State::kOpen;
  MonotonicTime began;
  std::map<PartitionId, CommittedOffset> offsets;
  size_t markers_missing = 0;
};
using TxnPtr = std::shared_ptr<Txn>;

struct Entry {
  bool is_marker = false;
  TxnPtr txn;  // none: written outside of a transaction
  std::optional<std::string> key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;

  bool committed() const { return !is_marker && (!txn || txn->state == Txn::State::kCommitted); }
};

// One partition of a topic.
class SimLog {
 public:
  int64_t end() const { return static_cast<int64_t>(entries_.size()); }
  int64_t begin() const { return begin_; }
  const Entry& at(int64_t offset) const { return entries_[static_cast<size_t>(offset)]; }
  void Append(Entry entry);
  void AppendMarker(const TxnPtr& txn);
  void DeleteBefore(int64_t offset) { begin_ = std::max(begin_, offset); }

  // Below it all is decided, and known here to be.
  int64_t LastStableOffset() const;

 private:
  std::vector<Entry> entries_;
  int64_t begin_ = 0;
  std::map<Txn*, int64_t> undecided_;  // without a marker here, and its first offset
};

class SimCluster {
 public:
  // `trace`: tells on standard error what happens.
  SimCluster(model::Random& random, SimClock& clock, bool trace) : random_(random), clock_(clock), trace_(trace) {}

  SimLog& log(const std::string& topic, PartitionId partition) { return logs_[{topic, partition}]; }
  std::vector<SimLog*> LogsOf(const std::string& topic);

  // ---- transactions
  struct Producer {
    int epoch = 0;
    TxnPtr txn;
    std::vector<std::pair<std::string, PartitionId>> partitions;  // of txn
  };
  // A higher epoch; nothing while an earlier transaction is being ended.
  std::optional<int> InitProducer(const std::string& transactional_id);
  // Each false if the epoch is not the producer's any more.
  bool Begin(const std::string& transactional_id, int epoch);
  bool Append(const std::string& transactional_id, int epoch, const std::string& topic, PartitionId partition,
              Entry entry);
  bool AddOffsets(const std::string& transactional_id, int epoch, const std::vector<CommittedOffset>& offsets);
  bool End(const std::string& transactional_id, int epoch, bool commit);
  // The same request, on its way for a while.
  void EndLater(const std::string& transactional_id, int epoch);

  // ---- the group's offsets. Nothing while a transaction that has some is being ended.
  std::optional<CommittedOffset> Committed(PartitionId partition) const;
  const std::vector<CommittedOffset>& History(PartitionId partition) { return committed_[partition]; }

  // Delivers something that is on its way: a marker, a late request; ends transactions that are open for too long.
  void Turn();
  void DeliverAll();

 private:
  void Decide(const std::string& transactional_id, Producer& producer, bool commit);
  template <typename... Args>
  void Trace(fmt::format_string<Args...> text, Args&&... args) const {
    if (trace_) fmt::print(stderr, "{:>10} {}\n", clock_.Now().ms, fmt::format(text, std::forward<Args>(args)...));
  }

  model::Random& random_;
  SimClock& clock_;
  const bool trace_;
  std::map<std::pair<std::string, PartitionId>, SimLog> logs_;
  std::map<std::string, Producer> producers_;
  std::map<PartitionId, std::vector<CommittedOffset>> committed_;  // the last one counts
  std::vector<TxnPtr> undecided_offsets_;                          // transactions with offsets that are not applied
  std::vector<std::function<void()>> on_its_way_;
};

}  // namespace tidemark::sim
