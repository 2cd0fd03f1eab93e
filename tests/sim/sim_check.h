// What a simulated run must have written: each partition's records, with the decisions that were committed, through a
// plain Partition, as the records that its effects become.
#pragma once

#include <set>
#include <string>

#include "tests/sim/sim_cluster.h"

namespace tidemark::sim {

// Everything visible to a reader of committed records in the output topics against what it must be. Empty: the same.
// Adds up what there was.
struct SimCounts {
  uint64_t records = 0;
  uint64_t sessions = 0;
  uint64_t decisions = 0;
};
std::string CompareWithReplay(SimCluster& cluster, int partitions, SimCounts& counts);

}  // namespace tidemark::sim
