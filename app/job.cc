#include "app/job.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "app/cores.h"
#include "app/exit_codes.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kMaxWait = Milliseconds(100);
constexpr Duration kSnapshotInterval = Milliseconds(100);
constexpr Duration kWatchInterval = Milliseconds(200);
constexpr Duration kWatchdogGrace = Seconds(10);  // beyond transaction.timeout.ms
constexpr Duration kCloseTimeout = Seconds(10);
constexpr Duration kStuckAfter = Seconds(60);

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "tidemark";
}

void Sleep(Duration duration) { std::this_thread::sleep_for(std::chrono::milliseconds(duration.ms)); }

}  // namespace

void FillInKafkaDefaults(KafkaOptions& options) {
  if (options.shards == 0) options.shards = UsableCores();
  if (options.instance_id.empty()) options.instance_id = HostName();
}

Job::Job(JobOptions options) : options_(std::move(options)), clock_(*options_.clock) {
  FillInKafkaDefaults(options_.config.kafka);
}

absl::StatusOr<std::unique_ptr<Job>> Job::Start(JobOptions options) {
  std::unique_ptr<Job> job(new Job(std::move(options)));
  // Process id and time: no two runs commit under the same name.
  const std::string incarnation = fmt::format("{:x}-{:x}", job->clock_.WallNow().ms, getpid());
  for (uint32_t shard = 0; shard < job->options_.config.kafka.shards; ++shard) {
    const absl::Status status = job->AddWorker(shard, incarnation);
    if (!status.ok()) return status;
  }
  job->running_ = static_cast<int>(job->workers_.size());
  for (const auto& worker : job->workers_) {
    worker->thread = std::thread(&Job::RunWorker, job.get(), std::ref(*worker));
  }
  job->watchdog_ = std::thread(&Job::Watch, job.get());
  return job;
}

absl::Status Job::AddWorker(uint32_t shard, const std::string& incarnation) {
  auto broker = options_.make_broker(options_.config.kafka, shard);
  if (!broker.ok()) return broker.status();
  auto worker = std::make_unique<Worker>();
  worker->broker = *std::move(broker);
  ShardOptions shard_options{shard, options_.config.rules, options_.config.kafka, incarnation,
                             options_.event_time_speed};
  worker->shard = std::make_unique<Shard>(std::move(shard_options), *worker->broker, clock_, worker->heartbeat);
  worker->number = shard;
  worker->snapshot.shard = shard;
  workers_.push_back(std::move(worker));
  return absl::OkStatus();
}

Job::~Job() {
  RequestStop();
  Wait().IgnoreError();
}

void Job::RequestStop() { stop_ = true; }

absl::Status Job::Wait() {
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  watchdog_stop_ = true;
  if (watchdog_.joinable()) watchdog_.join();
  const std::lock_guard lock(error_mutex_);
  return error_;
}

void Job::NoteError(const absl::Status& status) {
  const std::lock_guard lock(error_mutex_);
  if (error_.ok()) error_ = status;
  stop_ = true;
}

void Job::RunWorker(Worker& worker) {
  absl::Status status;
  MonotonicTime copied{};
  while (status.ok() && !stop_) {
    status = worker.shard->Step(kMaxWait);
    if (clock_.Now() - copied < kSnapshotInterval) continue;
    copied = clock_.Now();
    CopySnapshot(worker);
  }
  if (status.ok()) status = worker.shard->CommitForStop();
  if (!status.ok()) NoteError(status);
  CopySnapshot(worker);
  worker.shard->Close();
  worker.ended = true;
  --running_;
}

void Job::CopySnapshot(Worker& worker) {
  ShardSnapshot snapshot;
  worker.shard->FillSnapshot(snapshot);
  const std::lock_guard lock(worker.mutex);
  worker.snapshot = std::move(snapshot);
}

// librdkafka can hang in a commit and in closing. Recovery copes with a process that ends at any instruction; so it
// ends.
void Job::Watch() {
  std::optional<MonotonicTime> stopping_since;
  while (!watchdog_stop_) {
    Sleep(kWatchInterval);
    if (stop_ && !stopping_since) stopping_since = clock_.Now();
    for (const auto& worker : workers_) {
      EndIfCommitHangs(*worker);
      if (stopping_since && !worker->ended) EndIfCloseHangs(*worker, *stopping_since);
    }
  }
}

void Job::EndIfCommitHangs(const Worker& worker) {
  const int64_t started = worker.heartbeat.commit_started_ms;
  if (started == ShardHeartbeat::kNoCommit) return;
  const Duration limit = TransactionTimeout(options_.config.kafka) + kWatchdogGrace;
  if (clock_.Now() - MonotonicTime{started} <= limit) return;
  Log(LogLevel::kError, "commit_hangs", "a commit has hung for too long; ending the process",
      {{"shard", worker.number}}, "start it again: it goes on from the committed offsets");
  FlushLog();
  std::_Exit(kExitInternal);
}

void Job::EndIfCloseHangs(const Worker& worker, MonotonicTime stopping_since) {
  if (worker.heartbeat.commit_started_ms != ShardHeartbeat::kNoCommit) return;
  const MonotonicTime since = std::max(stopping_since, MonotonicTime{worker.heartbeat.last_turn_ms});
  if (clock_.Now() - since <= kCloseTimeout) return;
  Log(LogLevel::kWarn, "close_hangs", "closing takes too long; ending without it", {{"shard", worker.number}},
      "nothing: what was committed counts");
  FlushLog();
  const std::lock_guard lock(error_mutex_);
  std::_Exit(ExitCodeOf(error_));
}

std::vector<ShardSnapshot> Job::Snapshots() const {
  std::vector<ShardSnapshot> result;
  for (const auto& worker : workers_) {
    const std::lock_guard lock(worker->mutex);
    result.push_back(worker->snapshot);
  }
  return result;
}

Health Job::Liveness() const {
  for (const auto& worker : workers_) {
    const Duration since = clock_.Now() - MonotonicTime{worker->heartbeat.last_turn_ms};
    if (since > kStuckAfter) return {false, fmt::format("a shard has not turned for {} s", since.ms / 1000)};
  }
  return {true, "every shard turns"};
}

Health Job::Readiness() const {
  if (stop_) return {false, "shutting down"};
  for (const ShardSnapshot& shard : Snapshots()) {
    if (!shard.in_group) return {false, fmt::format("shard {} waits for the group or the brokers", shard.shard)};
    for (const PartitionSnapshot& partition : shard.partitions) {
      if (partition.state == WorkState::kRunning) continue;
      const bool failed = partition.state == WorkState::kFailed;
      return {false, fmt::format("partition {} {}", partition.partition.value, failed ? "has failed" : "recovers")};
    }
  }
  return {true, "all assigned partitions are running"};
}

}  // namespace tidemark
