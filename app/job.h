// The running job: shards on threads of their own, and a watchdog. What `run` and `demo` have in common.
//
// A shard is touched by its thread only. After each turn (at most ten times a second) the thread copies the shard's
// numbers out under a mutex; Snapshots() hands out those copies. Everything public may be called by any thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/config.h"
#include "app/http_server.h"
#include "ingest/clock.h"
#include "ingest/kafka_client.h"
#include "ingest/shard.h"

namespace tidemark {

// What a shard reads from and writes to. KafkaClient::Create is the one; the benchmark has another, to leave
// exactly-once out and see what it costs.
using BrokerFactory = std::function<absl::StatusOr<std::unique_ptr<Broker>>(const KafkaOptions&, uint32_t shard)>;

struct JobOptions {
  Config config;             // kafka.shards and kafka.instance_id are filled in if not set
  int event_time_speed = 1;  // see ShardOptions
  BrokerFactory make_broker = KafkaClient::Create;
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
};

class Job {
 public:
  // Makes the clients and starts the threads; brokers need not answer yet.
  static absl::StatusOr<std::unique_ptr<Job>> Start(JobOptions options);
  ~Job();

  // Finish the batch, commit, leave the group.
  void RequestStop();
  // True once all shards have ended, by request or because one failed (which stops the others).
  bool finished() const { return running_ == 0; }
  // Joins the threads. The first error of a shard; OK if they ended by request.
  absl::Status Wait();

  std::vector<ShardSnapshot> Snapshots() const;
  Health Liveness() const;
  Health Readiness() const;

 private:
  struct Worker {
    uint32_t number = 0;
    std::unique_ptr<Broker> broker;
    std::unique_ptr<Shard> shard;
    ShardHeartbeat heartbeat;
    std::atomic<bool> ended{false};
    mutable std::mutex mutex;  // guards snapshot
    ShardSnapshot snapshot;
    std::thread thread;
  };

  explicit Job(JobOptions options);
  absl::Status AddWorker(uint32_t shard, const std::string& incarnation);
  void RunWorker(Worker& worker);
  void CopySnapshot(Worker& worker);
  void Watch();
  void EndIfCommitHangs(const Worker& worker);
  void EndIfCloseHangs(const Worker& worker, MonotonicTime stopping_since);
  void NoteError(const absl::Status& status);

  JobOptions options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread watchdog_;
  std::atomic<int> running_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> watchdog_stop_{false};
  std::mutex error_mutex_;
  absl::Status error_;
};

// The settings that are filled in at start: the number of shards and this machine's name.
void FillInKafkaDefaults(KafkaOptions& options);

}  // namespace tidemark
