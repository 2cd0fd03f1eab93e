// The simulator's batch: many short runs, each from its own seed.
//
// TIDEMARK_SIM_SEED=n replays one run and shows how it went; TIDEMARK_SIM_RUNS=n says how many to run,
// TIDEMARK_SIM_FIRST=n from which seed on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/sim/sim_run.h"

namespace tidemark::sim {
namespace {

constexpr uint64_t kRuns = 3000;
constexpr int kFailuresShown = 3;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

void Add(SimStats& total, const SimStats& more) {
  total.checked.records += more.checked.records;
  total.checked.sessions += more.checked.sessions;
  total.checked.late += more.checked.late;
  total.checked.dead_letters += more.checked.dead_letters;
  total.checked.commits += more.checked.commits;
  total.checked.watermarks_moved += more.checked.watermarks_moved;
  total.checked.rules_changed += more.checked.rules_changed;
  total.checked.snapshots += more.checked.snapshots;
  total.checked.chunks += more.checked.chunks;
  total.starts += more.starts;
  total.kills += more.kills;
  total.stops += more.stops;
  total.pauses += more.pauses;
  total.freezes += more.freezes;
  total.outages += more.outages;
  total.errors += more.errors;
  total.rebalances += more.rebalances;
  total.aborted += more.aborted;
  total.recoveries += more.recoveries;
  total.replayed += more.replayed;
  total.audits_failed += more.audits_failed;
  total.dropped += more.dropped;
  total.damaged += more.damaged;
  total.refused += more.refused;
}

std::string ToText(const SimStats& s) {
  const SimChecked& c = s.checked;
  return fmt::format(
      "records={} sessions={} late={} dead_letters={} commits={} watermarks_moved={} rules_changed={} snapshots={} "
      "chunks={} starts={} kills={} stops={} pauses={} freezes={} outages={} errors={} rebalances={} aborted={} "
      "recoveries={} replayed={} audits_failed={} dropped={} damaged={} "
      "refused={}",
      c.records, c.sessions, c.late, c.dead_letters, c.commits, c.watermarks_moved, c.rules_changed, c.snapshots,
      c.chunks, s.starts, s.kills, s.stops, s.pauses, s.freezes, s.outages, s.errors, s.rebalances, s.aborted,
      s.recoveries, s.replayed, s.audits_failed, s.dropped, s.damaged, s.refused);
}

// What a batch never does it does not test.
void ExpectReached(const SimStats& s) {
  const SimChecked& c = s.checked;
  for (const int64_t count :
       {c.sessions, c.late, c.dead_letters, c.watermarks_moved, c.rules_changed, c.snapshots, c.chunks, s.kills,
        s.stops, s.pauses, s.freezes, s.outages, s.errors, s.rebalances, s.aborted}) {
    EXPECT_GT(count, 0) << ToText(s);
  }
  for (const uint64_t count : {s.recoveries, s.replayed, s.dropped, s.damaged, s.refused}) {
    EXPECT_GT(count, 0U) << ToText(s);
  }
}

// The same run again, with its trace.
void Show(uint64_t seed) {
  const SimResult result = SimRun(seed, {true, {}}).Run();
  for (const std::string& line : result.trace) std::cout << line << "\n";
  std::cout << "sim: seed=" << seed << " " << ToText(result.stats) << "\n";
  EXPECT_EQ(result.failure, "") << "TIDEMARK_SIM_SEED=" << seed << " replays it";
}

TEST(SimTest, EachSessionOnceWhateverHappens) {
  if (const uint64_t seed = FromEnvironment("TIDEMARK_SIM_SEED", 0)) return Show(seed);
  const uint64_t runs = FromEnvironment("TIDEMARK_SIM_RUNS", kRuns);
  const uint64_t first = FromEnvironment("TIDEMARK_SIM_FIRST", 1);
  SimStats total;
  int failures = 0;
  for (uint64_t seed = first; seed < first + runs && failures < kFailuresShown; ++seed) {
    const SimResult result = SimRun(seed).Run();
    Add(total, result.stats);
    if (result.failure.empty()) continue;
    ++failures;
    Show(seed);
  }
  std::cout << "sim: runs=" << runs << " " << ToText(total) << "\n";
  if (runs >= kRuns) ExpectReached(total);
}

}  // namespace
}  // namespace tidemark::sim
