// The group coordinator of the simulated cluster: one group, one topic, static members, eager range assignment.
//
// A member that joins anew under a known instance id takes the place of the old one, which is fenced; in a stable group
// it gets the old one's partitions without a rebalance. A rebalance waits for all members to join again, or to be
// silent beyond the session time-out. Leaving is being silent, as static members do. (A member that answers heartbeats
// but never joins again, and is passed over after max.poll.interval.ms, is left out.) One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/types.h"

namespace tidemark::sim {

class SimGroup {
 public:
  static constexpr Duration kSessionTimeout = Seconds(30);

  // What a member hears when it asks.
  enum class Answer : uint8_t {
    kStable,       // generation() and PartitionsOf() are the member's
    kRebalancing,  // it is to give up its partitions and join
    kJoined,       // it has joined, the others have not
    kUnknown,      // silent for too long: the group has gone on without it
    kFenced,       // another one has its instance id
  };

  explicit SimGroup(int32_t partitions) : partitions_(partitions) {}

  // The topic has got more: a rebalance.
  void SetPartitions(int32_t partitions);
  int32_t partitions() const { return partitions_; }

  // A member that is new; returns its id.
  int64_t Join(const std::string& instance, int64_t now_ms);
  // A member that has given up its partitions.
  Answer JoinAgain(const std::string& instance, int64_t member, int64_t now_ms);
  Answer Ask(const std::string& instance, int64_t member) const;
  void Heartbeat(const std::string& instance, int64_t member, int64_t now_ms);

  int32_t generation() const { return generation_; }
  std::vector<PartitionId> PartitionsOf(const std::string& instance) const;
  int64_t rebalances() const { return rebalances_; }

  // Removes who was silent for too long.
  void Expire(int64_t now_ms);
  // The coordinator was away: nobody could be heard.
  void ForgiveSilence(int64_t now_ms);

 private:
  struct Member {
    int64_t id = 0;
    int64_t heard_ms = 0;
    bool joined = false;
    std::vector<PartitionId> partitions;
  };

  void BeginRebalance();
  void CompleteIfAllJoined();

  int32_t partitions_;
  std::map<std::string, Member> members_;  // by instance id, the order in which they are assigned
  bool rebalancing_ = false;
  int32_t generation_ = 0;
  int64_t last_member_ = 0;
  int64_t rebalances_ = 0;
};

}  // namespace tidemark::sim
