// `tidemark run`: from the events topic to the sessions topic, until it is told to stop.
#include <fmt/format.h>

#include <cstdlib>

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

// Waits for the brokers as long as it takes, then for the topics to be there. False: told to stop meanwhile.
absl::StatusOr<bool> PrepareTopics(const KafkaOptions& options) {
  for (;;) {
    const auto topics = DescribeTopics(options, kTopicsTimeout);
    if (topics.ok()) {
      NoteBrokersBack();
      if (!options.create_topics) {
        absl::Status usable = RequireTopics(*topics);
        if (usable.ok()) usable = CheckStateTopic(options, kTopicsTimeout);
        return usable.ok() ? absl::StatusOr<bool>(true) : usable;
      }
      const auto created = CreateMissingTopics(options, *topics, kTopicsTimeout);
      if (created.ok()) {
        for (const std::string& name : *created) {
          Log(LogLevel::kInfo, "topic_created", "created a topic",
              {{"topic", name}, {"partitions", options.partitions}});
        }
        return true;
      }
      if (!absl::IsUnavailable(created.status())) return created.status();
    } else if (!absl::IsUnavailable(topics.status())) {
      return topics.status();
    } else {
      NoteBrokersAway(options.brokers, std::string(topics.status().message()));
    }
    if (WaitForStopSignal(kTurn)) return false;
  }
}

HttpCallbacks Callbacks(const Job& job) {
  return {[&job] { return CollectMetrics(job.Snapshots()); }, [&job] { return job.Liveness(); },
          [&job] { return job.Readiness(); }};
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
    Log(LogLevel::kInfo, "stopping", "finishing the batch, committing and leaving the group", {},
        "a second signal ends the process at once");
    job.RequestStop();
  }
  return job.Wait();
}

absl::Status Serve(const Config& config) {
  auto job = Job::Start({config});
  if (!job.ok()) return job.status();
  std::unique_ptr<HttpServer> http;
  if (!config.http.address.empty()) {
    auto started = HttpServer::Start(config.http, Callbacks(**job));
    if (!started.ok()) return started.status();
    http = *std::move(started);
  }
  Log(LogLevel::kInfo, "running", "running",
      {{"topic", config.kafka.events_topic},
       {"group", config.kafka.group},
       {"shards", config.kafka.shards},
       {"http", http ? http->url() : "off"}});
  const absl::Status status = WaitForEnd(**job);
  if (http) http->Stop();
  if (status.ok()) Log(LogLevel::kInfo, "stopped", "stopped");
  return status;
}

int Run(const ConfigFlags& flags, CommandContext& context) {
  BlockStopSignals();
  auto config = context.LoadConfig(flags);
  if (!config.ok()) return context.Fail(config.status());
  FillInKafkaDefaults(config->kafka);
  const absl::Status usable = CheckLibrdkafka();
  if (!usable.ok()) return context.Fail(usable);
  const auto ready = PrepareTopics(config->kafka);
  if (!ready.ok()) return context.Fail(ready.status());
  if (!*ready) return kExitOk;
  const absl::Status status = Serve(*config);
  FlushLog();
  return status.ok() ? kExitOk : context.Fail(status);
}

}  // namespace

void AddRunCommand(CLI::App& app, CommandContext& context) {
  CLI::App& command =
      AddCommand(app, "run", "Turn the events of a Kafka topic into sessions, until stopped.", kExamples);
  const auto flags = AddConfigFlags(command);
  context.OnRun(command, [=, &context] { return Run(*flags, context); });
}

}  // namespace tidemark
