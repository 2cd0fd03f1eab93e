// Whether a run was right, judged from the topics alone.
//
// Each partition is replayed by a plain core Partition: its records, and the decisions that were ever committed to the
// state topic at their places. Then must hold:
//   - what a read_committed reader sees in the output topics is exactly what the replay gives: each session, late event
//     and dead letter once
//   - every record has been taken, has one outcome, and no session is open
//   - every commit, in sequence, is at its place of the replay: offset, number of decisions, digest
//   - the clock never moved a watermark by more than the time for which the partition's leader had said that all of it
//     was read, nor soon after the leader was away or a transaction undecided
//   - every complete snapshot is of a commit that had been decided on before it, and holds that state
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_plan.h"

namespace tidemark::sim {

// What was looked at.
struct SimChecked {
  int64_t records = 0;
  int64_t sessions = 0;
  int64_t late = 0;
  int64_t dead_letters = 0;
  int64_t commits = 0;
  int64_t watermarks_moved = 0;
  int64_t rules_changed = 0;
  int64_t snapshots = 0;
  int64_t chunks = 0;
};

// What is wrong; empty: nothing. Adds to `checked`.
std::string CheckSimCluster(SimCluster& cluster, const SimPlan& plan, SimChecked& checked);

}  // namespace tidemark::sim
