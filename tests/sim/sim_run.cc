#include "tests/sim/sim_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinks/log.h"
#include "tests/sim/sim_history.h"

namespace tidemark::sim {
namespace {

constexpr int kMaxDepth = 2;
constexpr int kActionsPerHealthCheck = 16;
constexpr size_t kTraceLines = 500;
constexpr int64_t kInputProducer = -1;  // the ids of input partitions' producers go down from here
constexpr int kCalmRounds = 6;          // that must find all done
constexpr int kMaxRounds = 3000;
constexpr int kRoundsToSettle = 100;  // in which consequences of the disturbances may still end a process
constexpr Duration kPaceWhileReading = Milliseconds(500);
constexpr Duration kPaceWhileQuiet = Seconds(4);

ProducerEpoch InputProducer(size_t partition) { return {kInputProducer - static_cast<int64_t>(partition), 0}; }

MakeSimBroker DefaultBroker() {
  return [](SimCluster& cluster, SimHooks& hooks, const SimFaults& faults, Random& random, const std::string& member,
            uint64_t max_record_bytes) {
    return std::make_unique<SimBroker>(cluster, hooks, faults, random, member, max_record_bytes);
  };
}

SimOptions WithBroker(SimOptions options) {
  if (!options.make_broker) options.make_broker = DefaultBroker();
  return options;
}

std::string ToText(const LogRecord& record) {
  std::string text = fmt::format("    {} {}: {}", ToString(record.level), record.code, record.message);
  for (const LogField& field : record.fields) {
    std::visit([&](const auto& value) { text += fmt::format(" {}={}", field.key, value); }, field.value);
  }
  return text;
}

}  // namespace

SimRun::SimRun(uint64_t seed, SimOptions options)
    : options_(WithBroker(std::move(options))),
      plan_(MakeSimPlan(seed)),
      random_(seed ^ 0x5115'7EA4'0000'0000),
      faults_(plan_.faults),
      disturbances_(plan_.disturbances),
      cluster_(plan_.kafka, plan_.event_time_speed, plan_.partitions, random_),
      written_(plan_.records.size()),
      input_open_(plan_.records.size()) {}

SimRun::~SimRun() = default;

template <typename... Args>
void SimRun::Trace(const char* format, const Args&... args) {
  if (!options_.trace) return;
  trace_.push_back(fmt::format("{:>9} {:{}}", cluster_.now_ms(), "", depth_ * 4) +
                   fmt::vformat(format, fmt::make_format_args(args...)));
  if (trace_.size() > kTraceLines) trace_.pop_front();
}

void SimRun::Fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

SimResult SimRun::Run() {
  SetLogLevel(options_.trace ? LogLevel::kDebug : LogLevel::kError);
  SetLogHandler([this](const LogRecord& record) {
    if (options_.trace) Trace("{}", ToText(record));
  });
  cluster_.group().SetPartitions(plan_.partitions_at_start);
  StartSome();
  for (int i = 0; i < plan_.actions && failure_.empty(); ++i) {
    ActOnce();
    if (i % kActionsPerHealthCheck > 0) continue;
    for (const auto& process : processes_) CheckHealth(*process);
  }
  EndDisturbances();
  ComeToTheEnd();
  const std::string wrong = CheckSimCluster(cluster_, plan_, stats_.checked);
  if (!wrong.empty()) failure_ += (failure_.empty() ? "" : "; in the topics: ") + wrong;
  for (int32_t partition = 0; options_.trace && partition < plan_.partitions; ++partition) {
    for (std::string& line : DescribeHistory(cluster_, {partition})) trace_.push_back(std::move(line));
  }
  SetLogHandler({});
  SetLogLevel(LogLevel::kInfo);
  stats_.rebalances = cluster_.group().rebalances();
  stats_.aborted = cluster_.transactions().aborted();
  return {failure_, {trace_.begin(), trace_.end()}, stats_};
}

// ---- actions

void SimRun::ActOnce() {
  const int64_t dice = random_.Below(1000);
  if (dice < 620) {
    LetShardAct();
  } else if (dice < 700) {
    WriteInput();
  } else if (dice < 830) {
    PassTime();
  } else if (dice < 900) {
    cluster_.DeliverOne();
  } else {
    Disturb(random_.Below(100));
  }
  Reap();
}

SimProcess* SimRun::AnyProcess() { return processes_.empty() ? nullptr : random_.Pick(processes_).get(); }

void SimRun::LetShardAct() {
  SimProcess* process = AnyProcess();
  if (process == nullptr) return;
  ++depth_;
  process->Act(random_);
  --depth_;
}

// Mostly plain records; some in transactions that stay open for a while, some of those aborted.
void SimRun::WriteInput() {
  const auto partition = static_cast<size_t>(random_.Below(plan_.partitions));
  if (input_open_[partition] && random_.Percent(40)) return EndInputTransaction(partition);
  SimLog& log = cluster_.events({static_cast<int32_t>(partition)});
  const std::vector<SimRecord>& records = plan_.records[partition];
  size_t& written = written_[partition];
  if (!input_open_[partition] && random_.Percent(5) && written > 0) {
    log.Append(InputProducer(partition), records[static_cast<size_t>(random_.Below(static_cast<int64_t>(written)))]);
    log.Mark(InputProducer(partition), false, 0);
  }
  const bool open = !input_open_[partition] && random_.Percent(10);
  for (int64_t count = random_.Between(1, 6); count > 0 && written < records.size(); --count) {
    if (open || input_open_[partition]) {
      log.Append(InputProducer(partition), records[written++]);
      input_open_[partition] = true;
    } else {
      log.AppendOutsideTransaction(records[written++]);
    }
  }
}

void SimRun::EndInputTransaction(size_t partition) {
  if (!input_open_[partition]) return;
  cluster_.events({static_cast<int32_t>(partition)}).Mark(InputProducer(partition), true, 0);
  input_open_[partition] = false;
}

void SimRun::PassTime() {
  int64_t ms = random_.Between(1, 400);
  if (random_.Percent(6)) ms = random_.Between(1'000, 6'000);
  if (random_.Percent(1)) ms = random_.Between(10'000, 60'000);
  cluster_.Advance({ms});
  for (const auto& process : processes_) process->GoOnIfTime(cluster_.now_ms());
}

void SimRun::AtCall(SimProcess& process, std::string_view call) {
  if (call != "Write" && call != "Poll") Trace("{} {}", process.name(), call);
  if (ending_ || depth_ > kMaxDepth) return;
  if (random_.Below(1000) < disturbances_.others_act_at_call) {
    for (int64_t count = random_.Between(1, 6); count > 0; --count) ActOnce();
  }
  if (random_.Below(1000) < disturbances_.freezes_at_call) Freeze(process, call);
}

// Stopped in the middle of a call while the others go on.
void SimRun::Freeze(SimProcess& process, std::string_view call) {
  if (process.paused()) return;
  ++stats_.freezes;
  const int64_t until = cluster_.now_ms() + random_.Pick<int64_t>({2'000, 20'000, 40'000});
  Trace("{} freezes at {} until {}", process.name(), call, until);
  process.PauseUntil(until);
  for (int i = 0; i < 40 && process.paused(); ++i) {
    ActOnce();
    if (random_.Percent(20)) cluster_.Advance(Seconds(2));
  }
  if (process.paused()) cluster_.Advance({std::max<int64_t>(until - cluster_.now_ms(), 0)});
  process.GoOnIfTime(until);
  Trace("{} goes on in {}", process.name(), call);
}

void SimRun::WaitIn(SimProcess& process, Duration duration) {
  constexpr int kPieces = 4;
  Trace("{} waits for {} ms", process.name(), duration.ms);
  const int64_t until = cluster_.now_ms() + duration.ms;
  for (int i = 0; i < kPieces; ++i) {
    cluster_.Advance({duration.ms / kPieces});
    const bool others_act = !ending_ && depth_ <= kMaxDepth;
    for (int64_t count = others_act ? random_.Between(0, 5) : 0; count > 0; --count) ActOnce();
  }
  cluster_.Advance({std::max<int64_t>(until - cluster_.now_ms(), 0)});
}

void SimRun::Disturb(int64_t dice) {
  const SimDisturbances& d = disturbances_;
  SimProcess* process = AnyProcess();
  if (process == nullptr || (dice -= d.starts) < 0) return Start(static_cast<int>(random_.Below(plan_.instances)));
  if ((dice -= d.kills) < 0) {
    ++stats_.kills;
    const int64_t points = random_.Percent(30) ? 0 : random_.Between(1, 60);
    Trace("{} is killed in {} calls", process->name(), points);
    return points == 0 ? process->Kill() : process->KillAtPoint(points);
  }
  if ((dice -= d.stops) < 0) {
    ++stats_.stops;
    Trace("{} is stopped", process->name());
    return process->Stop();
  }
  if ((dice -= d.pauses) < 0) {
    ++stats_.pauses;
    Trace("{} is paused", process->name());
    return process->PauseUntil(cluster_.now_ms() + random_.Pick<int64_t>({2'000, 20'000, 40'000}));
  }
  if ((dice -= d.added_partitions) < 0) {
    const int32_t partitions = cluster_.group().partitions();
    return cluster_.group().SetPartitions(std::min(partitions + 1, plan_.partitions));
  }
  if ((dice -= d.outages) < 0 && !cluster_.away()) {
    ++stats_.outages;
    cluster_.GoAway(Milliseconds(random_.Pick<int64_t>({500, 4'000, 20'000, 40'000})));
    Trace("brokers away for {} ms", cluster_.away_for().ms);
  }
}

// A second process of an instance runs when the first is paused and taken for dead, or by mistake.
void SimRun::Start(int instance) {
  constexpr int kMistakePercent = 2;
  for (const auto& process : processes_) {
    const bool taken_for_dead = process->paused() && random_.Percent(50);
    if (process->instance() == instance && !taken_for_dead && !random_.Percent(kMistakePercent)) return;
  }
  for (const auto& process : processes_) {
    if (process->instance() == instance) process->NoteReplaced();
  }
  ++stats_.starts;
  SimStage& stage = *this;
  processes_.push_back(std::make_unique<SimProcess>(cluster_, stage, plan_, faults_, random_, options_.make_broker,
                                                    instance, next_incarnation_++, random_.Pick(plan_.rules)));
  Trace("{} starts", processes_.back()->name());
}

void SimRun::StartSome() {
  for (int instance = 0; instance < plan_.instances; ++instance) {
    if (instance == 0 || random_.Percent(50)) Start(instance);
  }
}

void SimRun::Reap() {
  for (size_t i = processes_.size(); i-- > 0;) {
    SimProcess& process = *processes_[i];
    if (!process.gone()) continue;
    Trace("{} is gone: {}", process.name(), process.error().ToString());
    if (!process.error().ok()) ++stats_.errors;
    CheckHealth(process);
    for (const ShardSnapshot& snapshot : process.Snapshots()) Count(snapshot);
    processes_.erase(processes_.begin() + static_cast<int64_t>(i));
  }
}

void SimRun::Count(const ShardSnapshot& snapshot) {
  stats_.recoveries += snapshot.recoveries[static_cast<size_t>(RecoveryResult::kOk)];
  stats_.replayed += snapshot.records_replayed;
  stats_.audits_failed += snapshot.audits_failed;
  stats_.dropped += snapshot.records_dropped;
  stats_.damaged += snapshot.state_records_damaged;
  stats_.refused += snapshot.recoveries[static_cast<size_t>(RecoveryResult::kFailed)];
}

void SimRun::CheckHealth(const SimProcess& process) {
  if (process.was_paused()) return;
  for (const ShardSnapshot& snapshot : process.Snapshots()) {
    if (snapshot.audits_failed > 0 && !process.was_replaced()) Fail("an audit failed though no commit was another's");
    if (plan_.faults.state_damaged > 0) continue;
    const bool failed = snapshot.recoveries[static_cast<size_t>(RecoveryResult::kFailed)] > 0;
    if (failed) Fail("a partition failed to recover");
    if (snapshot.commits_lost > 0) Fail("a shard believes that an acknowledged commit was lost");
  }
}

// ---- the end

void SimRun::EndDisturbances() {
  Trace("all disturbances end");
  ending_ = true;
  faults_ = {};
  disturbances_ = {};
  if (cluster_.away()) cluster_.ComeBack();
  cluster_.group().SetPartitions(plan_.partitions);
  for (const auto& process : processes_) process->ForgetDisturbances();
  // Who read damaged records may have given partitions up; another process finds them as they are.
  if (plan_.faults.state_damaged > 0) StopAll();
  for (size_t partition = 0; partition < plan_.records.size(); ++partition) {
    EndInputTransaction(partition);
    SimLog& log = cluster_.events({static_cast<int32_t>(partition)});
    for (size_t& written = written_[partition]; written < plan_.records[partition].size(); ++written) {
      log.AppendOutsideTransaction(plan_.records[partition][written]);
    }
  }
}

void SimRun::ComeToTheEnd() {
  int calm = 0;
  std::string missing;
  for (int round = 0; round < kMaxRounds && calm < kCalmRounds && failure_.empty(); ++round) {
    const int64_t errors = stats_.errors;
    RoundAtTheEnd(calm > 0 || round > kRoundsToSettle ? kPaceWhileQuiet : kPaceWhileReading);
    missing = WhatIsMissing();
    calm = missing.empty() ? calm + 1 : 0;
    if (round > kRoundsToSettle && stats_.errors > errors) Fail("a process ended by itself, undisturbed");
  }
  if (calm < kCalmRounds) Fail("it does not come to an end: " + missing);
  StopAll();
}

void SimRun::RoundAtTheEnd(Duration pace) {
  cluster_.Advance(pace);
  if (processes_.empty()) Start(0);
  for (const auto& process : processes_) {
    for (uint32_t i = 0; i < plan_.shards * 3; ++i) process->Act(random_);
  }
  cluster_.DeliverAll();
  Reap();
}

// Empty: all is read, committed and closed.
std::string SimRun::WhatIsMissing() {
  if (cluster_.AnythingOpen()) return "a transaction is open";
  std::vector<bool> done(plan_.records.size());
  for (const auto& process : processes_) {
    CheckHealth(*process);
    for (const ShardSnapshot& snapshot : process->Snapshots()) {
      for (const PartitionSnapshot& partition : snapshot.partitions) {
        const bool all_read = partition.next >= cluster_.EndOfRecords(partition.partition);
        const bool running = partition.state == WorkState::kRunning;
        done[static_cast<size_t>(partition.partition.value)] = running && all_read;
      }
      const auto& open = snapshot.open_sessions;
      if (std::any_of(open.begin(), open.end(), [](uint64_t count) { return count > 0; })) {
        return fmt::format("{} has open sessions", process->name());
      }
    }
  }
  const auto not_done = std::find(done.begin(), done.end(), false);
  return not_done == done.end() ? "" : fmt::format("partition {} is not read to its end", not_done - done.begin());
}

void SimRun::StopAll() {
  for (const auto& process : processes_) {
    process->Stop();
    while (process->Act(random_)) {
    }
  }
  cluster_.DeliverAll();
  Reap();
}

}  // namespace tidemark::sim
