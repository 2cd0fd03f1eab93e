// A simulated tidemark process: some shards, driven as app/job drives them, that can be killed at any call to a broker,
// stopped, and paused. Shards act when told to. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/clock.h"
#include "ingest/shard.h"
#include "tests/sim/sim_broker.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_plan.h"

namespace tidemark::sim {

// A process does not see the cluster's time, but its own machine's.
class SimClock : public Clock {
 public:
  SimClock(const SimCluster& cluster, Duration since_boot) : cluster_(cluster), since_boot_(since_boot) {}
  MonotonicTime Now() const override { return {cluster_.now_ms() + since_boot_.ms}; }
  EventTime WallNow() const override { return {cluster_.now_ms()}; }

 private:
  const SimCluster& cluster_;
  const Duration since_boot_;
};

class SimProcess;

// Who decides what happens around the calls of a process.
class SimStage {
 public:
  virtual ~SimStage() = default;
  virtual void AtCall(SimProcess& process, std::string_view call) = 0;
  virtual void WaitIn(SimProcess& process, Duration duration) = 0;
};

using MakeSimBroker = std::function<std::unique_ptr<SimBroker>(SimCluster&, SimHooks&, const SimFaults&, Random&,
                                                               const std::string& member, uint64_t max_record_bytes)>;

class SimProcess : public SimHooks {
 public:
  // References must outlive the process.
  SimProcess(SimCluster& cluster, SimStage& stage, const SimPlan& plan, const SimFaults& faults, Random& random,
             const MakeSimBroker& make_broker, int instance, int64_t incarnation, const Rules& rules);

  int instance() const { return instance_; }
  const std::string& name() const { return name_; }

  // One turn of a shard that is not in the middle of one. False: there is none.
  bool Act(Random& random);

  void Stop() { stopping_ = true; }
  // Dies at once; a shard in the middle of a turn as soon as it goes on.
  void Kill();
  // Dies at its n-th point around calls from now.
  void KillAtPoint(int64_t n) { points_to_live_ = n; }
  void PauseUntil(int64_t until_ms);
  void GoOnIfTime(int64_t now_ms);
  void ForgetDisturbances();
  bool paused() const { return paused_until_ms_.has_value(); }
  // It may have overslept that the group went on without it: what it believes says nothing.
  bool was_paused() const { return was_paused_; }
  // Another process has taken its instance id: what is committed need not be its own any more.
  void NoteReplaced() { was_replaced_ = true; }
  bool was_replaced() const { return was_replaced_; }

  // Nothing is left of it but the object.
  bool gone() const;
  // Why it ended by itself.
  const absl::Status& error() const { return error_; }

  std::vector<ShardSnapshot> Snapshots() const;

  // ---- SimHooks
  void Before(std::string_view call) override { AtPoint(call); }
  void After(std::string_view call) override { AtPoint(call); }
  void Wait(Duration duration) override { stage_.WaitIn(*this, duration); }

 private:
  struct Crash {};  // thrown through the shard

  struct Worker {
    std::unique_ptr<SimBroker> broker;
    ShardHeartbeat heartbeat;
    std::unique_ptr<Shard> shard;
    bool in_turn = false;
    bool ended = false;
  };

  void AtPoint(std::string_view call);
  void Turn(Worker& worker);
  void SetSilent(bool silent);

  SimStage& stage_;
  const int instance_;
  const std::string name_;
  SimClock clock_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool stopping_ = false;
  bool killed_ = false;
  std::optional<int64_t> points_to_live_;
  std::optional<int64_t> paused_until_ms_;
  bool was_paused_ = false;
  bool was_replaced_ = false;
  absl::Status error_;
};

}  // namespace tidemark::sim
