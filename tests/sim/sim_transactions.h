// The transaction coordinator of the simulated cluster, as brokers are without KIP-890.
//
// EndTxn decides. Then markers go to the partitions, one by one, in any order, and to the committed offsets as to any
// other partition; until the last has arrived, the transactional id can neither begin another transaction nor be given
// to a new producer. A new producer and a time-out end what is open, with a greater epoch than before. What a
// transaction ends is told by producer id and epoch alone: a late EndTxn of the same producer ends its next one.
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/types.h"
#include "tests/sim/sim_log.h"
#include "tests/sim/sim_offsets.h"

namespace tidemark::sim {

class SimTransactions {
 public:
  static constexpr Duration kTimeout = Seconds(15);
  static constexpr Duration kMarkersTakeAtMost = Seconds(10);  // while brokers are there

  enum class Answer : uint8_t { kOk, kConcurrent, kFenced, kInvalid };

  explicit SimTransactions(SimOffsets& offsets) : offsets_(offsets) {}

  // kConcurrent: the last transaction is being ended; ask again.
  Answer InitProducer(const std::string& transactional_id, ProducerEpoch& producer);
  // Registers a log, or the offsets (nullptr), begins the transaction if there is none.
  Answer AddPartition(const std::string& transactional_id, ProducerEpoch producer, SimLog* log, int64_t now_ms);
  Answer End(const std::string& transactional_id, ProducerEpoch producer, bool commit);

  void Expire(int64_t now_ms);
  // Markers that have been under way for too long arrive.
  void AgeMarkers(Duration duration);

  // Markers that have not arrived.
  int64_t markers() const { return static_cast<int64_t>(markers_.size()); }
  void Deliver(int64_t index);
  // All of this producer.
  void DeliverAllOf(const std::string& transactional_id);

  int64_t decisions() const { return decisions_; }
  int64_t aborted() const { return aborted_; }
  bool AnyOpen() const;

 private:
  enum class State : uint8_t { kNone, kOngoing, kEnding };

  struct Transaction {
    ProducerEpoch producer;
    State state = State::kNone;
    bool committed = false;  // how the last one ended, or is ending
    int64_t began_ms = 0;
    int64_t markers = 0;  // not arrived
    std::vector<SimLog*> logs;
  };

  struct Marker {
    Transaction* transaction;
    SimLog* log;
    ProducerEpoch producer;
    bool commit;
    int64_t decision;
    Duration age{0};
  };

  void BeginEnding(Transaction& transaction, bool commit);

  SimOffsets& offsets_;
  std::map<std::string, Transaction> transactions_;  // by transactional id
  std::vector<Marker> markers_;
  int64_t last_producer_ = 0;
  int64_t decisions_ = 0;
  int64_t aborted_ = 0;
};

}  // namespace tidemark::sim
