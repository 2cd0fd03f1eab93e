#include "tests/sim/sim_group.h"

#include <algorithm>

namespace tidemark::sim {
namespace {

constexpr Duration kSessionTimeout = Seconds(30);

}  // namespace

SimGroup::Member* SimGroup::Find(const std::string& name, int id) {
  const auto found = members_.find(name);
  return found != members_.end() && found->second.id == id ? &found->second : nullptr;
}

int SimGroup::Join(const std::string& name) {
  const bool known = members_.contains(name);
  Member& member = members_[name];
  member.id = next_id_++;
  member.heard = clock_.Now();
  member.ready = true;
  member.news.clear();
  if (!known) {
    Rebalance();
  } else if (!rebalancing_) {
    member.ready = false;
    member.news.push_back({AssignmentChange::kAssigned, member.partitions});
  }
  return member.id;
}

void SimGroup::Leave(const std::string& name, int id) {
  if (Find(name, id) == nullptr) return;
  members_.erase(name);
  Rebalance();
}

void SimGroup::Heartbeat(const std::string& name, int id) {
  if (Member* member = Find(name, id)) member->heard = clock_.Now();
}

// Everybody is asked to let go.
void SimGroup::Rebalance() {
  rebalancing_ = true;
  for (auto& [name, member] : members_) {
    if (member.ready) {
      member.news.clear();
    } else if (member.news.empty()) {
      member.news.push_back({AssignmentChange::kRevoked, {}});
    } else if (member.news.back().change == AssignmentChange::kAssigned) {  // it has not heard of what it was given
      member.news.clear();
      member.ready = true;
    }
  }
}

void SimGroup::Distribute() {
  rebalancing_ = false;
  const auto count = static_cast<int>(members_.size());
  int i = 0;
  int next = 0;
  for (auto& [name, member] : members_) {
    const int share = partitions_ / count + (i++ < partitions_ % count ? 1 : 0);
    member.partitions.clear();
    for (int k = 0; k < share; ++k) member.partitions.push_back({next++});
    member.ready = false;
    member.news.push_back({AssignmentChange::kAssigned, member.partitions});
  }
}

SimGroup::News SimGroup::TakeNews(const std::string& name, int id) {
  Member* member = Find(name, id);
  if (member == nullptr) return {AssignmentChange::kLost, {}};
  if (member->news.empty()) return {};
  News news = member->news.front();
  member->news.erase(member->news.begin());
  return news;
}

void SimGroup::LetGo(const std::string& name, int id) {
  Member* member = Find(name, id);
  if (member != nullptr) member->ready = true;
}

bool SimGroup::MayCommit(const std::string& name, int id) const {
  const auto found = members_.find(name);
  return found != members_.end() && found->second.id == id && !found->second.ready;
}

void SimGroup::Turn() {
  const size_t before = members_.size();
  std::erase_if(members_, [this](const auto& entry) { return clock_.Now() - entry.second.heard >= kSessionTimeout; });
  if (members_.size() != before) Rebalance();
  const auto ready = [](const auto& entry) { return entry.second.ready; };
  if (rebalancing_ && !members_.empty() && std::all_of(members_.begin(), members_.end(), ready)) Distribute();
}

}  // namespace tidemark::sim
