#include "tests/sim/sim_group.h"

#include <algorithm>

namespace tidemark::sim {

int64_t SimGroup::Join(const std::string& instance, int64_t now_ms) {
  const auto [found, added] = members_.try_emplace(instance);
  Member& member = found->second;
  member.id = ++last_member_;
  member.heard_ms = now_ms;
  if (added) BeginRebalance();
  if (rebalancing_) member.joined = true;
  CompleteIfAllJoined();
  return member.id;
}

SimGroup::Answer SimGroup::JoinAgain(const std::string& instance, int64_t member, int64_t now_ms) {
  const Answer answer = Ask(instance, member);
  if (answer != Answer::kRebalancing) return answer;
  Member& known = members_.at(instance);
  known.joined = true;
  known.heard_ms = now_ms;
  CompleteIfAllJoined();
  return Ask(instance, member);
}

SimGroup::Answer SimGroup::Ask(const std::string& instance, int64_t member) const {
  const auto found = members_.find(instance);
  if (found == members_.end()) return Answer::kUnknown;
  if (found->second.id != member) return Answer::kFenced;
  if (!rebalancing_) return Answer::kStable;
  return found->second.joined ? Answer::kJoined : Answer::kRebalancing;
}

void SimGroup::Heartbeat(const std::string& instance, int64_t member, int64_t now_ms) {
  const auto found = members_.find(instance);
  if (found != members_.end() && found->second.id == member) found->second.heard_ms = now_ms;
}

std::vector<PartitionId> SimGroup::PartitionsOf(const std::string& instance) const {
  return members_.at(instance).partitions;
}

void SimGroup::Expire(int64_t now_ms) {
  const size_t removed =
      std::erase_if(members_, [&](const auto& entry) { return now_ms - entry.second.heard_ms > kSessionTimeout.ms; });
  if (removed == 0) return;
  if (!rebalancing_) BeginRebalance();
  CompleteIfAllJoined();
}

void SimGroup::ForgiveSilence(int64_t now_ms) {
  for (auto& [instance, member] : members_) member.heard_ms = now_ms;
}

void SimGroup::SetPartitions(int32_t partitions) {
  if (partitions == partitions_) return;
  partitions_ = partitions;
  if (!members_.empty()) BeginRebalance();
}

void SimGroup::BeginRebalance() {
  if (rebalancing_) return;
  rebalancing_ = true;
  for (auto& [instance, member] : members_) member.joined = false;
}

void SimGroup::CompleteIfAllJoined() {
  const bool all = std::all_of(members_.begin(), members_.end(), [](const auto& entry) { return entry.second.joined; });
  if (!rebalancing_ || !all) return;
  rebalancing_ = false;
  ++generation_;
  ++rebalances_;
  const auto count = static_cast<int32_t>(members_.size());
  int32_t next = 0;
  int32_t index = 0;
  for (auto& [instance, member] : members_) {
    const int32_t share = partitions_ / count + (index++ < partitions_ % count ? 1 : 0);
    member.partitions.clear();
    for (int32_t i = 0; i < share; ++i) member.partitions.push_back({next++});
  }
}

}  // namespace tidemark::sim
