// The shard in a simulated world where everything goes wrong: what it writes must be what an undisturbed run writes.
//
// TIDEMARK_SIM_SEED=n runs one seed and tells what happens in it; TIDEMARK_SIM_RUNS=n says how many to run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "sinks/log.h"
#include "tests/sim/sim_run.h"

namespace tidemark::sim {
namespace {

constexpr uint64_t kFirstSeed = 1;
constexpr int kFailuresShown = 5;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class SimTest : public testing::Test {
 protected:
  SimTest() {
    if (std::getenv("TIDEMARK_SIM_SEED") == nullptr) {
      SetLogHandler([](const LogRecord&) {});
    } else {
      SetLogLevel(LogLevel::kDebug);
    }
  }
  ~SimTest() override { SetLogHandler({}); }
};

TEST_F(SimTest, WhateverHappensEachSessionIsWrittenOnceAndRight) {
  const bool one = std::getenv("TIDEMARK_SIM_SEED") != nullptr;
  const uint64_t first = FromEnvironment("TIDEMARK_SIM_SEED", kFirstSeed);
  const uint64_t runs = one ? 1 : FromEnvironment("TIDEMARK_SIM_RUNS", 600);
  SimResult sum;
  int failures = 0;
  for (uint64_t seed = first; seed < first + runs && failures < kFailuresShown; ++seed) {
    const SimResult result = Simulate(seed, Sabotage::kNone, one);
    if (!result.difference.empty()) {
      ++failures;
      ADD_FAILURE() << "TIDEMARK_SIM_SEED=" << seed << ": " << result.difference;
    }
    sum.crashes += result.crashes;
    sum.stops += result.stops;
    sum.pauses += result.pauses;
    sum.outages += result.outages;
    sum.rule_changes += result.rule_changes;
    sum.records += result.records;
    sum.sessions += result.sessions;
    sum.recoveries += result.recoveries;
    sum.snapshots += result.snapshots;
    sum.decisions += result.decisions;
  }
  std::cout << runs << " runs from seed " << first << ": " << sum.crashes << " crashes, " << sum.stops << " stops, "
            << sum.pauses << " pauses, " << sum.outages << " outages, " << sum.rule_changes << " changes of rules, "
            << sum.recoveries << " recoveries, " << sum.snapshots << " snapshots, " << sum.decisions << " decisions, "
            << sum.records << " records, " << sum.sessions << " sessions\n";
}

// Each mistake must show within a few seeds.
class SabotageTest : public SimTest, public testing::WithParamInterface<Sabotage> {};

TEST_P(SabotageTest, IsFound) {
  constexpr uint64_t kSeeds = 60;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    if (!Simulate(seed, GetParam()).difference.empty()) return;
  }
  ADD_FAILURE() << "not found in " << kSeeds << " runs";
}

INSTANTIATE_TEST_SUITE_P(Mistakes, SabotageTest,
                         testing::Values(Sabotage::kEmitBeforeCommit, Sabotage::kSnapshotAhead,
                                         Sabotage::kForgetDecision, Sabotage::kCommitOffsetOffByOne,
                                         Sabotage::kStaleCommit));

}  // namespace
}  // namespace tidemark::sim
