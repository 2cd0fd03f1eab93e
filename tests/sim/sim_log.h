// One partition of a topic on the simulated broker.
//
// A log of records and control markers; each takes an offset. The records of a transaction are open until its marker
// comes, and nothing behind the first open one is visible to a `read_committed` reader (the last stable offset).
// Nothing is ever removed, so that a check at the end sees all there was: Truncate only moves the first offset that is
// handed out. Records stay at their address. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/types.h"

namespace tidemark::sim {

// A producer as a partition's leader knows it: a greater epoch of the same id fences the smaller.
struct ProducerEpoch {
  int64_t id = 0;
  int32_t epoch = 0;

  friend bool operator==(const ProducerEpoch&, const ProducerEpoch&) = default;
};

struct SimHeader {
  std::string name;
  std::optional<std::string> value;
};

struct SimRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<SimHeader> headers;
  EventTime timestamp = kAfterAllTime;
};

class SimLog {
 public:
  enum class State : uint8_t { kOpen, kCommitted, kAborted, kMarker };

  struct Entry {
    State state;
    int64_t decision;  // which of the cluster's decisions to commit made it visible; 0: no transaction
    SimRecord record;
  };

  void AppendOutsideTransaction(SimRecord record);
  // False: the producer is fenced.
  bool Append(ProducerEpoch producer, SimRecord record);
  // The end of the producer's transaction here.
  void Mark(ProducerEpoch producer, bool commit, int64_t decision);
  void Truncate(Offset before);

  Offset first() const { return {first_}; }
  Offset end() const { return {static_cast<int64_t>(entries_.size())}; }
  Offset stable_end() const;
  const Entry& at(Offset offset) const { return entries_[static_cast<size_t>(offset.value)]; }
  const std::deque<Entry>& entries() const { return entries_; }

  // The next visible record at or behind `from`, and before stable_end().
  std::optional<Offset> NextVisible(Offset from) const;

 private:
  std::deque<Entry> entries_;
  int64_t first_ = 0;
  std::map<int64_t, int32_t> epochs_;             // newest seen, by producer id
  std::map<int64_t, std::vector<int64_t>> open_;  // offsets of open records, by producer id
};

}  // namespace tidemark::sim
