#include "tests/sim/sim_cluster.h"

namespace tidemark::sim {
namespace {

constexpr size_t kOutputPartitions = 2;

}  // namespace

SimCluster::SimCluster(const KafkaOptions& options, int event_time_speed, int32_t partitions, Random& random)
    : options_(options),
      event_time_speed_(event_time_speed),
      partitions_(partitions),
      random_(random),
      events_(static_cast<size_t>(partitions)),
      state_(static_cast<size_t>(partitions)),
      group_(partitions),
      transactions_(offsets_) {
  for (const std::string& topic : {options.sessions_topic, options.late_topic, options.dead_letters_topic}) {
    outputs_.emplace(topic, std::vector<SimLog>(kOutputPartitions));
  }
}

SimLog& SimCluster::LogFor(std::string_view topic, const std::optional<std::string_view>& key,
                           std::optional<PartitionId> partition) {
  if (partition) return state(*partition);
  uint64_t hash = 0;
  for (const char c : key.value_or("")) hash = hash * 31 + static_cast<unsigned char>(c);
  return outputs_.find(topic)->second[hash % kOutputPartitions];
}

void SimCluster::Advance(Duration duration) {
  now_ms_ += duration.ms;
  if (back_at_ms_ && now_ms_ >= *back_at_ms_) ComeBack();
  if (away()) return;
  for (SimClient* client : clients_) client->Heartbeat();
  transactions_.AgeMarkers(duration);
  group_.Expire(now_ms_);
  transactions_.Expire(now_ms_);
}

void SimCluster::GoAway(Duration duration) { back_at_ms_ = now_ms_ + duration.ms; }

void SimCluster::ComeBack() {
  back_at_ms_.reset();
  group_.ForgiveSilence(now_ms_);
}

void SimCluster::DelayEndTransaction(const std::string& transactional_id, ProducerEpoch producer) {
  delayed_.push_back({transactional_id, producer});
}

bool SimCluster::DeliverOne() {
  const int64_t markers = transactions_.markers();
  const int64_t all = markers + static_cast<int64_t>(delayed_.size());
  if (all == 0 || away()) return false;
  const int64_t choice = random_.Below(all);
  if (choice < markers) {
    transactions_.Deliver(choice);
    return true;
  }
  const DelayedEnd end = delayed_[static_cast<size_t>(choice - markers)];
  delayed_.erase(delayed_.begin() + (choice - markers));
  transactions_.End(end.transactional_id, end.producer, true);
  return true;
}

void SimCluster::DeliverAll() {
  while (DeliverOne()) {
  }
}

Offset SimCluster::EndOfRecords(PartitionId partition) const {
  const auto& entries = events_[static_cast<size_t>(partition.value)].entries();
  int64_t end = static_cast<int64_t>(entries.size());
  while (end > 0 && entries[static_cast<size_t>(end - 1)].state != SimLog::State::kCommitted) --end;
  return {end};
}

}  // namespace tidemark::sim
