// The checker catches what it is there for: each broken promise shows within few runs.
#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "tests/sim/faulty_brokers.h"
#include "tests/sim/sim_run.h"

namespace tidemark::sim {
namespace {

constexpr uint64_t kRuns = 100;

template <typename Faulty>
SimOptions With() {
  SimOptions options;
  options.make_broker = [](SimCluster& cluster, SimHooks& hooks, const SimFaults& faults, Random& random,
                           const std::string& member, uint64_t max_record_bytes) -> std::unique_ptr<SimBroker> {
    return std::make_unique<Faulty>(cluster, hooks, faults, random, member, max_record_bytes);
  };
  return options;
}

// `how`: a part of what the checker says in one of the runs at least. Only runs count that are sound otherwise.
template <typename Faulty>
void ExpectCaught(const std::string& how) {
  int caught = 0;
  bool as_expected = false;
  std::string first;
  for (uint64_t seed = 1; seed <= kRuns; ++seed) {
    const std::string failure = SimRun(seed, With<Faulty>()).Run().failure;
    if (failure.empty() || !SimRun(seed).Run().failure.empty()) continue;
    as_expected |= failure.find(how) != std::string::npos;
    if (++caught == 1) first = "seed " + std::to_string(seed) + ": " + failure.substr(0, 200);
  }
  std::cout << "caught in " << caught << " of " << kRuns << " runs, first with " << first << "\n";
  EXPECT_TRUE(as_expected);
}

TEST(SimCheckerTest, EmittingBeforeTheCommit) { ExpectCaught<EmitsBeforeCommit>("doubled"); }
TEST(SimCheckerTest, SnapshotsAheadOfTheCommit) {
  ExpectCaught<SnapshotsAheadOfCommit>("is not the state of its commit");
}
TEST(SimCheckerTest, ForgettingADecision) { ExpectCaught<ForgetsDecisions>("decision that is not there"); }
TEST(SimCheckerTest, MovingTheWatermarkBeforeATransactionIsDecided) {
  ExpectCaught<HidesUndecidedTransactions>("too far");
}
TEST(SimCheckerTest, CommittingAnOffsetOneTooHigh) { ExpectCaught<CommitsOneTooMuch>("has another state"); }
TEST(SimCheckerTest, ReusingTheStateOfAnOlderEpoch) { ExpectCaught<ReusesOldState>("is expected"); }

TEST(SimCheckerTest, TheSameSeedIsTheSameRun) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const SimResult once = SimRun(seed, {true, {}}).Run();
    const SimResult again = SimRun(seed, {true, {}}).Run();
    ASSERT_FALSE(once.trace.empty());
    EXPECT_EQ(once.stats.checked.commits, again.stats.checked.commits);
    EXPECT_EQ(once.stats.dropped, again.stats.dropped);
  }
}

}  // namespace
}  // namespace tidemark::sim
