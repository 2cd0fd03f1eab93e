// What the state topic and the commits of a run say, line by line, for people.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/sim_cluster.h"

namespace tidemark::sim {

std::vector<std::string> DescribeHistory(SimCluster& cluster, PartitionId partition);

}  // namespace tidemark::sim
