// One run of the simulator: processes of one group over a simulated cluster, with everything that can go wrong, chosen
// by a seed; and the check that what they wrote is what an undisturbed run would have written.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/sim_broker.h"

namespace tidemark::sim {

struct SimResult {
  std::string difference;  // for people; empty: all is as it must be
  int crashes = 0;
  int stops = 0;
  int pauses = 0;
  int outages = 0;
  int rule_changes = 0;
  uint64_t records = 0;
  uint64_t sessions = 0;
  uint64_t recoveries = 0;
  uint64_t snapshots = 0;
  uint64_t decisions = 0;
};

// Same seed, same run. `trace`: tells on standard error what happens in the cluster.
SimResult Simulate(uint64_t seed, Sabotage sabotage = Sabotage::kNone, bool trace = false);

}  // namespace tidemark::sim
