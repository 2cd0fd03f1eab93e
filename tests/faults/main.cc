// Exactly once, whatever dies: see --help. Exit code 0 says that every session is there once, with the right content.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <utility>

#include "tests/faults/fault_run.h"

namespace tidemark::testing {
namespace {

constexpr char kDescription[] =
    "Runs tidemark on a real Kafka under a continuous load while processes are killed (kill -9 at random times and at\n"
    "named points of commit, snapshot, rebalance and recovery), frozen (SIGSTOP), and joined by others; the broker is\n"
    "killed and restarted; answers to EndTxn are lost, late, or the request is. In the end all that was written, read\n"
    "committed, is compared with what the plain core makes of the same records and logged decisions.\n\n"
    "The last line says: kills of tidemark processes, SIGSTOPs, restarts of the broker, rebalances that were "
    "provoked,\n"
    "sessions that should be there, and how many of all outputs are lost, duplicated, or wrong. The exit code is 0 if\n"
    "these are all 0, 1 otherwise, 2 if the run itself failed.";

std::string NewDirectory() {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/tidemark-faults-XXXXXX";
  return mkdtemp(pattern.data()) == nullptr ? "" : pattern;
}

void Print(const Verdict& verdict, const FaultCounts& counts) {
  for (const std::string& example : verdict.differences.examples) std::cout << example;
  for (const std::string& problem : verdict.problems) std::cout << "wrong: " << problem << '\n';
  std::cout << fmt::format(
      "compared: {} records, {} sessions, {} late, {} dead letters, {} moves of the watermark, {} "
      "snapshots\n",
      verdict.records, verdict.sessions, verdict.late, verdict.dead_letters, verdict.moves, verdict.snapshots);
  std::cout << fmt::format(
      "disturbed: {} deaths at named points, {} faults of EndTxn, {} ends of a process by itself, {} of them by an "
      "assertion of librdkafka\n",
      counts.at_crash_points, counts.end_txn_faults, counts.unasked_ends, counts.librdkafka_aborts);
  const Differences& found = verdict.differences;
  std::cout
      << fmt::format(
             "faults: kills={} stops={} broker_restarts={} rebalances={} sessions={} lost={} duplicated={} wrong={}",
             counts.kills, counts.stops, counts.broker_restarts, counts.rebalances, verdict.sessions, found.lost,
             found.duplicated, found.wrong + verdict.problems.size())
      << std::endl;
}

// Each a failure of its own; what it says is wrong counts as wrong.
void AddProblems(bool settled, const FaultCounts& counts, Verdict* verdict) {
  if (!settled) verdict->problems.push_back("the undisturbed end of the run did not come about");
  if (counts.bad_ends > 0) verdict->problems.push_back(fmt::format("{} processes ended badly", counts.bad_ends));
  if (counts.kills >= 20 && counts.at_crash_points == 0) {
    verdict->problems.push_back("no process died at a named point: the program does not come by them");
  }
  if (verdict->sessions == 0) verdict->problems.push_back("no session: nothing was tested");
}

int RunAll(const FaultOptions& options, bool keep) {
  std::cout << fmt::format("seed {}, logs in {}\n", options.seed, options.directory);
  Verdict verdict;
  {
    FaultRun run(options);
    if (!run.Prepare()) return 2;
    run.Disturb();
    const bool settled = run.Settle();
    std::optional<Verdict> checked = run.Check();
    if (!checked) return 2;
    verdict = *std::move(checked);
    AddProblems(settled, run.counts(), &verdict);
    Print(verdict, run.counts());
  }
  const bool good = verdict.good() && !::testing::Test::HasFailure();
  if (good && !keep) std::filesystem::remove_all(options.directory);
  return good ? 0 : 1;
}

int Main(int argc, char** argv) {
  FaultOptions options;
  options.program = TIDEMARK_CRASHING;
  options.seed = std::random_device()();
  bool keep = false;
  CLI::App app(kDescription, "faults");
  app.add_option("--kills", options.kills, "How many processes are killed before the end")->capture_default_str();
  app.add_option("--seed", options.seed, "Decides on the faults and the load (random; printed)");
  app.add_option("--rate", options.events_per_second, "Events per second of the load")->capture_default_str();
  app.add_option("--set", options.sets, "A setting of tidemark, KEY=VALUE; may be repeated");
  app.add_option("--program", options.program, "Another executable of tidemark, such as one that is broken on purpose");
  app.add_option("--directory", options.directory, "For logs and Kafka's data (a new one in the folder for such)");
  app.add_flag("--keep", keep, "Keep the directory of a good run, too");
  CLI11_PARSE(app, argc, argv);
  if (options.directory.empty()) options.directory = NewDirectory();
  std::filesystem::create_directories(options.directory);
  return RunAll(options, keep);
}

}  // namespace
}  // namespace tidemark::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest();  // the helpers of tests/broker complain through it
  return tidemark::testing::Main(argc, argv);
}
