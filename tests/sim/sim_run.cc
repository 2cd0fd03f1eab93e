#include "tests/sim/sim_run.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "ingest/shard.h"
#include "tests/model/random_stream.h"
#include "tests/sim/sim_check.h"

namespace tidemark::sim {
namespace {

using model::Random;

constexpr int kMostTurnsToTheEnd = 5'000;
constexpr int kTurnsToCommit = 20;

class Run {
 public:
  Run(uint64_t seed, Sabotage sabotage, bool trace);

  SimResult Result();

 private:
  // A process of one shard. It lives while it has a shard.
  struct Process {
    explicit Process(size_t number) : name(fmt::format("process-{}", number)) {}

    std::string name;
    bool paused = false;
    std::unique_ptr<SimBroker> broker;
    std::unique_ptr<ShardHeartbeat> heartbeat;
    std::unique_ptr<Shard> shard;

    bool alive() const { return shard != nullptr; }
    bool runs() const { return alive() && !paused; }
  };

  Process& Any() { return processes_[static_cast<size_t>(random_.Below(static_cast<int64_t>(processes_.size())))]; }
  void Start(Process& process);
  void End(Process& process);
  void Step(Process& process);
  void Stop(Process& process);
  void AppendInput(int64_t most);
  void Turn();
  void Trouble();
  void Calm();
  bool Finished();

  Random random_;
  const int partitions_;
  SimClock clock_;
  SimCluster cluster_;
  SimGroup group_;
  SimFaults faults_;
  Rules rules_;
  KafkaOptions kafka_;
  std::vector<Process> processes_;
  std::vector<model::RandomStream> input_;  // of each partition
  std::vector<size_t> written_;             // of each partition
  int starts_ = 0;
  bool failed_ = false;  // a partition has
  SimResult result_;
};

Run::Run(uint64_t seed, Sabotage sabotage, bool trace)
    : random_(seed),
      partitions_(static_cast<int>(random_.Between(1, 4))),
      cluster_(random_, clock_, trace),
      group_(partitions_, clock_) {
  for (int p = 0; p < partitions_; ++p) {
    input_.push_back(model::MakeRandomStream(seed * 8 + static_cast<uint64_t>(p)));
    written_.push_back(0);
  }
  rules_ = input_[0].rules;
  kafka_.commit_interval = Milliseconds(random_.Between(50, 1'000));
  kafka_.snapshot_interval = Seconds(random_.Between(1, 20));
  kafka_.idle_partition_after = Seconds(random_.Between(2, 20));
  faults_.lost_answer_percent = random_.Pick<int>({0, 2, 15});
  faults_.slow_commit_percent = random_.Pick<int>({0, 0, 5});
  faults_.repeat_percent = random_.Pick<int>({0, 0, 5});
  faults_.sabotage = sabotage;
  const int64_t count = random_.Between(1, 3);
  for (int64_t i = 0; i < count; ++i) processes_.emplace_back(processes_.size());
}

void Run::Start(Process& process) {
  ShardOptions options;
  options.rules = rules_;
  options.kafka = kafka_;
  options.incarnation = fmt::format("start{}", ++starts_);
  process.paused = false;
  process.broker = std::make_unique<SimBroker>(cluster_, group_, clock_, random_, faults_, process.name);
  process.heartbeat = std::make_unique<ShardHeartbeat>();
  process.shard = std::make_unique<Shard>(std::move(options), *process.broker, clock_, *process.heartbeat);
}

void Run::End(Process& process) {
  if (process.alive()) {
    ShardSnapshot snapshot;
    process.shard->FillSnapshot(snapshot);
    result_.recoveries += snapshot.recoveries[static_cast<size_t>(RecoveryResult::kOk)];
    result_.snapshots += snapshot.snapshots;
    failed_ |= snapshot.recoveries[static_cast<size_t>(RecoveryResult::kFailed)] > 0;
  }
  process.shard.reset();
  process.broker.reset();
}

void Run::Step(Process& process) {
  try {
    if (!process.shard->Step(Milliseconds(10)).ok()) End(process);
  } catch (const Crash&) {
    ++result_.crashes;
    End(process);
  }
}

void Run::Stop(Process& process) {
  ++result_.stops;
  try {
    process.shard->CommitForStop().IgnoreError();
    process.shard->Close();
  } catch (const Crash&) {
    ++result_.crashes;
  }
  End(process);
}

void Run::AppendInput(int64_t most) {
  const auto p = static_cast<size_t>(random_.Below(partitions_));
  SimLog& log = cluster_.log(kEventsTopic, {static_cast<int32_t>(p)});
  const model::RandomStream& stream = input_[p];
  for (int64_t i = random_.Below(most + 1); i > 0 && written_[p] < stream.lines.size(); --i) {
    if (random_.Percent(3)) log.Append(Entry{.is_marker = true, .txn = {}, .key = {}, .value = {}, .headers = {}});
    Entry entry;
    entry.key = fmt::format("key-{}", written_[p]);
    entry.value = stream.lines[written_[p]++];
    entry.headers.emplace_back("time", std::to_string(stream.process_start.ms));
    log.Append(std::move(entry));
  }
}

void Run::Trouble() {
  Process& process = Any();
  switch (random_.Below(10)) {
    case 0:
    case 1:
    case 2:
      if (process.runs()) process.broker->CrashAfter(static_cast<int>(random_.Between(1, 40)));
      break;
    case 3:
      if (process.runs()) Stop(process);
      break;
    case 4:
      result_.pauses += process.runs() ? 1 : 0;
      process.paused = process.alive();
      break;
    case 5:
      clock_.Advance(Seconds(random_.Between(10, 40)));
      break;
    case 6:
      ++result_.outages;
      faults_.outage = true;
      break;
    case 7:
      if (processes_.size() < 4) processes_.emplace_back(processes_.size());
      break;
    case 8:
      if (!random_.Percent(30)) break;
      ++result_.rule_changes;
      rules_ = model::MakeRandomStream(static_cast<uint64_t>(random_.Below(1'000'000))).rules;
      break;
    default:
      for (Process& other : processes_) other.paused = false;
      break;
  }
}

void Run::Turn() {
  cluster_.Turn();
  group_.Turn();
  for (Process& process : processes_) {
    if (process.runs()) process.broker->KeepAlive();
  }
  const int64_t dice = random_.Below(100);
  Process& process = Any();
  if (dice < 60) {
    if (process.runs()) Step(process);
  } else if (dice < 75) {
    AppendInput(6);
  } else if (dice < 90) {
    clock_.Advance(Milliseconds(random_.Below(dice < 85 ? 300 : 5'000)));
  } else if (dice < 97) {
    if (!process.alive()) Start(process);
    if (faults_.outage && random_.Percent(30)) faults_.outage = false;
  } else {
    Trouble();
  }
}

// No more trouble, all of the input, and time to finish.
void Run::Calm() {
  const Sabotage sabotage = faults_.sabotage;
  faults_ = {};
  faults_.sabotage = sabotage;
  for (Process& process : processes_) {
    process.paused = false;
    if (!process.alive()) Start(process);
    process.broker->CrashAfter(-1);
  }
  for (int i = 0; i < 1'000; ++i) AppendInput(20);
}

bool Run::Finished() {
  int running = 0;
  for (Process& process : processes_) {
    if (!process.alive()) return false;
    ShardSnapshot snapshot;
    process.shard->FillSnapshot(snapshot);
    for (const uint64_t open : snapshot.open_sessions) {
      if (open > 0) return false;
    }
    for (const PartitionSnapshot& partition : snapshot.partitions) {
      const auto committed = cluster_.Committed(partition.partition);
      const bool done = partition.state == WorkState::kRunning && partition.lag_records == 0 && committed &&
                        committed->offset == partition.next;
      running += done ? 1 : 0;
      failed_ |= partition.state == WorkState::kFailed;
    }
  }
  return running == partitions_;
}

SimResult Run::Result() {
  for (int64_t turns = random_.Between(100, 1'200); turns > 0; --turns) Turn();
  Calm();
  int turns = 0;
  int more = kTurnsToCommit;  // what was done last is to be committed, too
  for (; turns < kMostTurnsToTheEnd && !failed_ && more > 0; ++turns) {
    more = Finished() ? more - 1 : kTurnsToCommit;
    cluster_.Turn();
    cluster_.Turn();
    group_.Turn();
    clock_.Advance(Milliseconds(random_.Below(2'000)));
    for (Process& process : processes_) {
      if (!process.alive()) Start(process);
      process.broker->KeepAlive();
      Step(process);
    }
  }
  cluster_.DeliverAll();
  for (Process& process : processes_) End(process);
  SimCounts counts;
  if (failed_) {
    result_.difference = "a partition has failed";
  } else if (turns == kMostTurnsToTheEnd) {
    result_.difference = "it does not finish";
  } else {
    result_.difference = CompareWithReplay(cluster_, partitions_, counts);
  }
  result_.records = counts.records;
  result_.sessions = counts.sessions;
  result_.decisions = counts.decisions;
  return result_;
}

}  // namespace

SimResult Simulate(uint64_t seed, Sabotage sabotage, bool trace) { return Run(seed, sabotage, trace).Result(); }

}  // namespace tidemark::sim
