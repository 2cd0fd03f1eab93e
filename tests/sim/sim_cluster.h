// What all simulated processes share: the brokers' topics, group and transactions, and the time.
//
// Nothing happens by itself. Advance moves the time and lets time-outs strike; DeliverOne lets one thing arrive that is
// under way: a marker, a delayed request. Whoever calls them decides the order, and a seed decides for the caller. One
// thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/types.h"
#include "ingest/kafka_options.h"
#include "tests/model/random_text.h"
#include "tests/sim/sim_group.h"
#include "tests/sim/sim_log.h"
#include "tests/sim/sim_offsets.h"
#include "tests/sim/sim_transactions.h"

namespace tidemark::sim {

using model::Random;

// Someone with a thread in the background that tells the group that it is alive.
class SimClient {
 public:
  virtual ~SimClient() = default;
  virtual void Heartbeat() = 0;
};

class SimCluster {
 public:
  // `event_time_speed`: of the shards' clocks, see ShardOptions.
  SimCluster(const KafkaOptions& options, int event_time_speed, int32_t partitions, Random& random);
  SimCluster(const SimCluster&) = delete;
  SimCluster& operator=(const SimCluster&) = delete;

  int32_t partitions() const { return partitions_; }
  const KafkaOptions& options() const { return options_; }
  // For how long of its time a partition must be quiet before the clock moves its watermark.
  Duration idle_after() const { return {options_.idle_partition_after.ms / event_time_speed_}; }
  SimLog& events(PartitionId partition) { return events_[static_cast<size_t>(partition.value)]; }
  SimLog& state(PartitionId partition) { return state_[static_cast<size_t>(partition.value)]; }
  std::vector<SimLog>& outputs(const std::string& topic) { return outputs_.at(topic); }
  // Where a record of this topic goes.
  SimLog& LogFor(std::string_view topic, const std::optional<std::string_view>& key,
                 std::optional<PartitionId> partition);
  SimGroup& group() { return group_; }
  SimOffsets& offsets() { return offsets_; }
  SimTransactions& transactions() { return transactions_; }

  int64_t now_ms() const { return now_ms_; }
  void Advance(Duration duration);

  // No broker answers until then.
  void GoAway(Duration duration);
  void ComeBack();
  bool away() const { return back_at_ms_.has_value(); }
  Duration away_for() const { return away() ? Duration{*back_at_ms_ - now_ms_} : Duration{0}; }

  // An EndTxn that the network holds back.
  void DelayEndTransaction(const std::string& transactional_id, ProducerEpoch producer);

  // False: there is nothing under way.
  bool DeliverOne();
  void DeliverAll();

  // Whether a transaction is not ended yet.
  bool AnythingOpen() const { return transactions_.AnyOpen() || offsets_.AnyPending(); }
  // Behind the last committed record of an events partition.
  Offset EndOfRecords(PartitionId partition) const;

  // By how much at most the clock may have moved a partition's watermark with this decision.
  void AllowMove(PartitionId partition, uint64_t decision, Duration quiet_for) {
    Duration& allowed = allowed_moves_[{partition, decision}];
    allowed = std::max(allowed, quiet_for);
  }
  Duration AllowedMove(PartitionId partition, uint64_t decision) const {
    const auto found = allowed_moves_.find({partition, decision});
    return found == allowed_moves_.end() ? Duration{0} : found->second;
  }

  void AddClient(SimClient* client) { clients_.push_back(client); }
  void RemoveClient(SimClient* client) { std::erase(clients_, client); }

 private:
  struct DelayedEnd {
    std::string transactional_id;
    ProducerEpoch producer;
  };

  const KafkaOptions options_;
  const int event_time_speed_;
  const int32_t partitions_;
  Random& random_;
  std::vector<SimLog> events_;
  std::vector<SimLog> state_;
  std::map<std::string, std::vector<SimLog>, std::less<>> outputs_;
  SimGroup group_;
  SimOffsets offsets_;
  SimTransactions transactions_;
  int64_t now_ms_ = 1'000'000;
  std::optional<int64_t> back_at_ms_;
  std::vector<DelayedEnd> delayed_;
  std::vector<SimClient*> clients_;
  std::map<std::pair<PartitionId, uint64_t>, Duration> allowed_moves_;
};

}  // namespace tidemark::sim
