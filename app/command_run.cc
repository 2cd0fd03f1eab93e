// `tidemark run`: from the events topic to the sessions topic, until it is told to stop.
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/http_server.h"
#include "app/job.h"
#include "app/metrics.h"
#include "app/signals.h"
#include "ingest/kafka_handle.h"
#include "ingest/topics.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kTopicsTimeout = Seconds(5);
constexpr Duration kTurn = Milliseconds(100);

constexpr char kExamples[] =
    "  tidemark run --config tidemark.toml\n"
    "  tidemark run --set kafka.brokers=kafka-1:9092,kafka-2:9092 --set kafka.create_topics=true";

absl::Status CreateTopics(const KafkaOptions& options, const std::vector<TopicState>& topics) {
  const auto created = CreateMissingTopics(options, topics, kTopicsTimeout);
  if (!created.ok()) return created.status();
  for (const std::string& name : *created) Log(LogLevel::kInfo, "topic_created", "created a topic", {{"topic", name}});
  return absl::OkStatus();
}

absl::Status EnsureTopics(const KafkaOptions& options, const std::vector<TopicState>& topics) {
  const absl::Status there = options.create_topics ? CreateTopics(options, topics) : RequireTopics(topics);
  return there.ok() ? CheckTopicSettings(options, kTopicsTimeout) : there;
}

// Waits for the brokers as long as it takes, then for the topics to be there. False: told to stop meanwhile.
absl::StatusOr<bool> PrepareTopics(const KafkaOptions& options) {
  for (;;) {
    const auto topics = DescribeTopics(options, kTopicsTimeout);
    if (topics.ok()) {
      NoteBrokersBack();
      const absl::Status usable = EnsureTopics(options, *topics);
      if (usable.ok()) return true;
      if (!absl::IsUnavailable(usable)) return usable;
      Log(LogLevel::kWarn, "topics_wait", "the topics cannot be created yet; trying again",
          {{"err", std::string(usable.message())}}, "look at the brokers; nothing is lost meanwhile");
    } else if (absl::IsUnavailable(topics.status())) {
      NoteBrokersAway(options.brokers, std::string(topics.status().message()));
    } else if (!absl::IsPermissionDenied(topics.status())) {  // a refusal is told already, and may pass as well
      return topics.status();
    }
    if (WaitForStopSignal(kTurn)) return false;
  }
}

// The window is open before there is a job: a port that is taken shows at once, and while the brokers are waited for
// the probes say so.
using JobPointer = std::atomic<std::shared_ptr<Job>>;

HttpCallbacks Callbacks(const JobPointer& pointer) {
  return {[&] {
            const std::shared_ptr<Job> job = pointer;
            return job ? CollectMetrics(job->Snapshots(), job->Readiness().ok) : CollectMetrics({}, false);
          },
          [&] {
            const std::shared_ptr<Job> job = pointer;
            return job ? job->Liveness() : Health{true, "starting"};
          },
          [&] {
            const std::shared_ptr<Job> job = pointer;
            return job ? job->Readiness() : Health{false, "waits for the brokers and the topics"};
          }};
}

// Until a signal or an error; then until the shards have ended. A second signal ends the process at once.
absl::Status WaitForEnd(Job& job) {
  bool stopping = false;
  while (!job.finished()) {
    if (!WaitForStopSignal(kTurn)) continue;
    if (stopping) {
      FlushLog();
      std::_Exit(kExitInterrupted);
    }
    stopping = true;
    Log(LogLevel::kInfo, "stopping", "finishing the batch, committing and writing snapshots", {},
        "a second signal ends the process at once");
    job.RequestStop();
  }
  return job.Wait();
}

absl::Status RunJob(const JobOptions& options, JobPointer& pointer, const std::string& url) {
  auto started = Job::Start(options);
  if (!started.ok()) return started.status();
  const std::shared_ptr<Job> job = *std::move(started);
  pointer = job;
  Log(LogLevel::kInfo, "running", "running",
      {{"topic", options.config.kafka.events_topic},
       {"group", options.config.kafka.group},
       {"shards", options.config.kafka.shards},
       {"http", url}});
  const absl::Status status = WaitForEnd(*job);
  pointer = std::shared_ptr<Job>();
  return status;
}

absl::Status Serve(const JobOptions& options) {
  const Config& config = options.config;
  JobPointer pointer;
  std::unique_ptr<HttpServer> http;
  if (!config.http.address.empty()) {
    auto started = HttpServer::Start(config.http, Callbacks(pointer));
    if (!started.ok()) return started.status();
    http = *std::move(started);
    Log(LogLevel::kInfo, "http_listens", "metrics and probes are there", {{"http", http->url()}});
  }
  const auto ready = PrepareTopics(config.kafka);
  if (!ready.ok()) return ready.status();
  const absl::Status status = *ready ? RunJob(options, pointer, http ? http->url() : "off") : absl::OkStatus();
  if (status.ok()) Log(LogLevel::kInfo, "stopped", "stopped");
  return status;
}

int Run(const ConfigFlags& flags, const BrokerFactory& make_broker, CommandContext& context) {
  BlockStopSignals();
  auto config = context.LoadConfig(flags);
  if (!config.ok()) return context.Fail(config.status());
  FillInKafkaDefaults(config->kafka);
  absl::Status status = CheckLibrdkafka();
  if (status.ok()) status = Serve({.config = *config, .make_broker = make_broker});
  if (status.ok()) return kExitOk;
  FlushLog();
  // In the log, where all else is that led to it, and its last line.
  const ExitCode code = ExitCodeOf(status);
  Log(LogLevel::kError, "ended", std::string(status.message()), {{"exit", static_cast<int>(code)}});
  return code;
}

}  // namespace

void AddRunCommand(CLI::App& app, CommandContext& context, const BrokerFactory& make_broker) {
  CLI::App& command =
      AddCommand(app, "run", "Turn the events of a Kafka topic into sessions, until stopped.", kExamples);
  const auto flags = AddConfigFlags(command);
  context.OnRun(command, [=, &context] { return Run(*flags, make_broker, context); });
}

}  // namespace tidemark
