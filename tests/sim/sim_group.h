// The consumer group: who is a member, and which partitions each one has.
//
// Static members, eager: a member that joins or is thrown out makes the group distribute all partitions anew, for which
// every member first lets go of what it has. A member that comes back under its name gets what it had; its predecessor
// of that name is nobody any more. A member that is silent for session.timeout.ms is thrown out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ingest/broker.h"
#include "tests/sim/sim_cluster.h"

namespace tidemark::sim {

class SimGroup {
 public:
  SimGroup(int partitions, SimClock& clock) : partitions_(partitions), clock_(clock) {}

  // Returns the member id, new with every call.
  int Join(const std::string& name);
  void Leave(const std::string& name, int id);
  void Heartbeat(const std::string& name, int id);

  // What the member is to be told now; told once.
  struct News {
    AssignmentChange change = AssignmentChange::kNone;
    std::vector<PartitionId> partitions;
  };
  News TakeNews(const std::string& name, int id);
  // The member has let go of its partitions.
  void LetGo(const std::string& name, int id);

  // Whether an offset of this member would be accepted now.
  bool MayCommit(const std::string& name, int id) const;

  void Turn();

 private:
  struct Member {
    int id = 0;
    MonotonicTime heard;
    bool ready = true;  // holds nothing: can be given a new assignment
    std::vector<PartitionId> partitions;
    std::vector<News> news;
  };

  Member* Find(const std::string& name, int id);
  void Rebalance();
  void Distribute();

  const int partitions_;
  SimClock& clock_;
  int next_id_ = 1;
  bool rebalancing_ = false;
  std::map<std::string, Member> members_;
};

}  // namespace tidemark::sim
