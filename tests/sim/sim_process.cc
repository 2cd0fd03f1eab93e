#include "tests/sim/sim_process.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidemark::sim {

SimProcess::SimProcess(SimCluster& cluster, SimStage& stage, const SimPlan& plan, const SimFaults& faults,
                       Random& random, const MakeSimBroker& make_broker, int instance, int64_t incarnation,
                       const Rules& rules)
    : stage_(stage),
      instance_(instance),
      name_(fmt::format("i{}#{}", instance, incarnation)),
      clock_(cluster, Milliseconds(random.Below(1'000'000'000))) {
  for (uint32_t shard = 0; shard < plan.shards; ++shard) {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    const std::string member = fmt::format("i{}-{}", instance, shard);
    worker.broker = make_broker(cluster, *this, faults, random, member, plan.max_record_bytes);
    ShardOptions options{shard, rules, plan.kafka, std::to_string(incarnation), plan.event_time_speed};
    worker.shard = std::make_unique<Shard>(std::move(options), *worker.broker, clock_, worker.heartbeat);
  }
}

bool SimProcess::Act(Random& random) {
  std::vector<Worker*> ready;
  for (const auto& worker : workers_) {
    if (!worker->in_turn && !worker->ended && !killed_) ready.push_back(worker.get());
  }
  if (ready.empty() || paused()) return false;
  Worker& worker = *random.Pick(ready);
  worker.in_turn = true;
  try {
    Turn(worker);
  } catch (const Crash&) {
    Kill();
  }
  worker.in_turn = false;
  return true;
}

void SimProcess::Turn(Worker& worker) {
  absl::Status status;
  if (!stopping_) {
    status = worker.shard->Step(Milliseconds(100));
    if (status.ok()) return;
  }
  if (status.ok()) status = worker.shard->CommitForStop();
  if (!status.ok() && error_.ok()) error_ = status;
  stopping_ = true;
  worker.shard->Close();
  worker.ended = true;
}

void SimProcess::AtPoint(std::string_view call) {
  if (!killed_ && points_to_live_ && --*points_to_live_ <= 0) Kill();
  if (!killed_) stage_.AtCall(*this, call);
  if (killed_) throw Crash();
}

void SimProcess::Kill() {
  killed_ = true;
  SetSilent(true);
}

void SimProcess::PauseUntil(int64_t until_ms) {
  paused_until_ms_ = until_ms;
  was_paused_ = true;
  SetSilent(true);
}

void SimProcess::GoOnIfTime(int64_t now_ms) {
  if (!paused_until_ms_ || now_ms < *paused_until_ms_) return;
  paused_until_ms_.reset();
  SetSilent(killed_);
}

void SimProcess::ForgetDisturbances() {
  points_to_live_.reset();
  if (paused_until_ms_) GoOnIfTime(*paused_until_ms_);
}

void SimProcess::SetSilent(bool silent) {
  for (const auto& worker : workers_) worker->broker->set_silent(silent);
}

bool SimProcess::gone() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [this](const auto& worker) { return !worker->in_turn && (killed_ || worker->ended); });
}

std::vector<ShardSnapshot> SimProcess::Snapshots() const {
  std::vector<ShardSnapshot> snapshots;
  for (const auto& worker : workers_) worker->shard->FillSnapshot(snapshots.emplace_back());
  return snapshots;
}

}  // namespace tidemark::sim
