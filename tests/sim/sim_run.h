// One run of the simulator: a cluster, processes that come and go, input that is written, and a seed that decides what
// happens next. It ends undisturbed: everything is read, the clocks of the quiet partitions close the last sessions;
// then sim_checker.h says whether it was right. The same seed is the same run. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_broker.h"
#include "tests/sim/sim_checker.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_process.h"

namespace tidemark::sim {

// What happened, to see that the runs reach what they are to test.
struct SimStats {
  SimChecked checked;
  int64_t starts = 0;
  int64_t kills = 0;
  int64_t stops = 0;
  int64_t pauses = 0;
  int64_t freezes = 0;
  int64_t outages = 0;
  int64_t errors = 0;
  int64_t rebalances = 0;
  int64_t aborted = 0;
  uint64_t recoveries = 0;
  uint64_t replayed = 0;
  uint64_t audits_failed = 0;
  uint64_t dropped = 0;
  uint64_t damaged = 0;
  uint64_t refused = 0;
};

struct SimResult {
  std::string failure;  // empty: sound
  std::vector<std::string> trace;
  SimStats stats;
};

struct SimOptions {
  bool trace = false;         // keep the last events
  MakeSimBroker make_broker;  // empty: SimBroker
};

class SimRun : private SimStage {
 public:
  explicit SimRun(uint64_t seed, SimOptions options = {});
  ~SimRun() override;
  SimRun(const SimRun&) = delete;
  SimRun& operator=(const SimRun&) = delete;

  SimResult Run();

 private:
  // ---- SimStage
  void AtCall(SimProcess& process, std::string_view call) override;
  void WaitIn(SimProcess& process, Duration duration) override;

  // Actions.
  void ActOnce();
  void LetShardAct();
  void WriteInput();
  void EndInputTransaction(size_t partition);
  void PassTime();
  void Disturb(int64_t dice);
  void Freeze(SimProcess& process, std::string_view call);
  void Start(int instance);
  void StartSome();
  void Reap();
  SimProcess* AnyProcess();

  // The end.
  void EndDisturbances();
  void ComeToTheEnd();
  void RoundAtTheEnd(Duration pace);
  std::string WhatIsMissing();
  void StopAll();
  void Count(const ShardSnapshot& snapshot);
  void CheckHealth(const SimProcess& process);
  void Fail(std::string why);

  template <typename... Args>
  void Trace(const char* format, const Args&... args);

  const SimOptions options_;
  const SimPlan plan_;
  Random random_;
  SimFaults faults_;
  SimDisturbances disturbances_;
  SimCluster cluster_;
  std::vector<std::unique_ptr<SimProcess>> processes_;
  std::vector<size_t> written_;   // records of each partition
  std::vector<bool> input_open_;  // in a transaction
  int64_t next_incarnation_ = 1;
  int depth_ = 0;  // of processes in the middle of a call
  bool ending_ = false;
  std::string failure_;
  std::deque<std::string> trace_;
  SimStats stats_;
};

}  // namespace tidemark::sim
