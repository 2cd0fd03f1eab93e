// What reading from Kafka costs, what the engine adds, and what exactly-once adds to that.
//
// A real Kafka on one core, everything else on another. The same preloaded topic is read to its end in turn by
//   consumer      a bare librdkafka consumer that counts records and bytes
//   at_least_once `tidemark run` with one shard but no transactions, offsets, decisions and snapshots
//                 (run_without_exactly_once.cc)
//   exactly_once  `tidemark run` with one shard, and the settings' defaults but for more frequent snapshots
// A reading is from when a contender has its first records until it has the last one: starting, connecting and joining
// the group are no throughput. It counts if it took every record and, of the latter two, has as many sessions, closed
// and open, as core/ makes of the events, no late event and no dead letter. Needs the jars that the tests of a real
// Kafka use.
//
//   kafka_throughput_bench [--events N] [--visitors N] [--partitions N] [--repeat N] [--snapshot-interval SECONDS]
//                          [--compression lz4] [--property NAME=VALUE]... [--small] [--directory D]
//
// The last line, in JSON: of each repetition the events per second, the microseconds of CPU an event, and the
// milliseconds for which the shard waited in a commit.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/cores.h"
#include "bench/counting_effects.h"
#include "core/partition.h"
#include "ingest/kafka_handle.h"
#include "ingest/kafka_options.h"
#include "ingest/traffic_generator.h"
#include "sinks/log.h"
#include "tests/broker/kafka_admin.h"
#include "tests/broker/kafka_server.h"
#include "tests/broker/tidemark_process.h"

namespace tidemark::bench {
namespace {

using testing::Eventually;
using testing::KafkaAdmin;
using testing::KafkaServer;
using testing::RunCommand;
using testing::Settings;
using testing::StoredRecord;
using testing::TidemarkRun;
using WallClock = std::chrono::steady_clock;

constexpr char kTopic[] = "journey-events";
constexpr std::chrono::seconds kLongest{600};
constexpr std::chrono::milliseconds kBetweenLooks{100};

struct Arguments {
  uint64_t events = 1'000'000;
  uint32_t visitors = 30'000;  // the harness's file of web events has the same bytes
  int partitions = 4;
  int repeat = 5;
  int64_t snapshot_interval_s = 2;  // much shorter than by default: a reading takes seconds, and is to have its share
  bool small = false;
  std::string compression = "uncompressed";       // of the topic; a value of Kafka's compression.type for topics
  std::map<std::string, std::string> properties;  // librdkafka's
  std::string directory = "kafka-throughput-bench";
};

[[noreturn]] void GiveUp(const std::string& why) {
  std::cerr << "kafka_throughput_bench: " << why << "\n";
  std::exit(EXIT_FAILURE);
}

void Require(const absl::Status& status) {
  if (!status.ok()) GiveUp(status.ToString());
}

struct Reading {
  double rate = 0;       // events per second
  double cpu_us = 0;     // microseconds that all threads of its process have spent on an event
  double commit_ms = 0;  // for which the shard waited in a commit, on average
  uint64_t records = 0;
  uint64_t sessions = 0;
};

// How far a contender is.
struct Look {
  WallClock::time_point time;
  double cpu_s = 0;  // of all its threads
  uint64_t records = 0;
  double commits = 0;
  double commit_s = 0;  // for which its shard has waited in them
};

Reading Between(const Look& first, const Look& last) {
  const auto events = static_cast<double>(last.records - first.records);
  Reading reading;
  reading.rate = events / std::chrono::duration<double>(last.time - first.time).count();
  reading.cpu_us = (last.cpu_s - first.cpu_s) * 1e6 / events;
  if (last.commits > first.commits) {
    reading.commit_ms = (last.commit_s - first.commit_s) * 1e3 / (last.commits - first.commits);
  }
  reading.records = last.records;
  return reading;
}

class Bench {
 public:
  explicit Bench(const Arguments& arguments) : arguments_(arguments) {
    std::filesystem::create_directories(arguments.directory);
    const std::vector<int> cores = AllowedCores();
    if (cores.size() < 2) GiveUp("this takes two cores: one is the broker's");
    our_core_ = cores[0];
    other_core_ = cores[1];
    Pin(other_core_);
    kafka_ = KafkaServer::Start(arguments.directory, {.optimised = true});
    if (!kafka_) GiveUp("Kafka did not start");
    Pin(our_core_);
    admin_ = std::make_unique<KafkaAdmin>(kafka_->address());
    admin_->CreateTopic(kTopic, arguments.partitions, {{"compression.type", arguments.compression}});
    for (const char* topic : {"sessions", "sessions-late", "sessions-dead-letters"}) {
      admin_->CreateTopic(topic, arguments.partitions);
    }
  }

  void Fill() {
    TrafficOptions options;
    options.visitors = arguments_.visitors;
    options.small = arguments_.small;
    TrafficGenerator generator(options);
    Partition reference(PartitionId{0}, Rules{});  // of all events: what their sessions should be
    std::vector<StoredRecord> batch;
    constexpr uint64_t kBatch = 20'000;
    for (uint64_t i = 0; i < arguments_.events; ++i) {
      const GeneratedEvent event = generator.Next();
      StoredRecord& record = batch.emplace_back();
      record.partition = PartitionOfKey(event.key, static_cast<uint32_t>(arguments_.partitions));
      record.key = std::string(event.key);
      record.value = std::string(event.value);
      bytes_ += event.value.size();
      reference.Apply({event.value, Offset{static_cast<int64_t>(i)}, kAfterAllTime}, expected_);
      if (batch.size() < kBatch && i + 1 < arguments_.events) continue;
      admin_->Write(kTopic, batch);
      batch.clear();
    }
    reference.AdvanceWatermark(kAfterAllTime, expected_);
    if (expected_.events != arguments_.events) GiveUp("not every event that was written is in a session");
  }

  Reading ReadWithConsumer() {
    // It is never behind; a limit that it touched would only make librdkafka pause.
    const KafkaProperties ours = {{"group.id", "bare"},
                                  {"enable.auto.commit", "false"},
                                  {"fetch.max.bytes", "8388608"},
                                  {"queued.min.messages", "10000000"},
                                  {"queued.max.messages.kbytes", "524288"}};
    auto conf = MakeKafkaConf(ConsumerOptions(), ours);
    Require(conf.status());
    auto consumer = MakeKafkaClient(RD_KAFKA_CONSUMER, *std::move(conf));
    Require(consumer.status());
    rd_kafka_t* client = consumer->get();
    rd_kafka_poll_set_consumer(client);
    const KafkaPartitions list(rd_kafka_topic_partition_list_new(arguments_.partitions));
    for (int i = 0; i < arguments_.partitions; ++i) {
      rd_kafka_topic_partition_list_add(list.get(), kTopic, i)->offset = 0;
    }
    const KafkaQueue queue(rd_kafka_queue_get_consumer(client));
    rd_kafka_assign(client, list.get());
    uint64_t bytes = 0;
    Look first;
    Look last;
    std::vector<rd_kafka_message_t*> messages(1'000);
    const auto deadline = WallClock::now() + kLongest;
    while (last.records < arguments_.events) {
      const ssize_t count = rd_kafka_consume_batch_queue(queue.get(), 100, messages.data(), messages.size());
      for (ssize_t i = 0; i < count; ++i) {
        const rd_kafka_message_t* message = messages[static_cast<size_t>(i)];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
          ++last.records;
          bytes += message->len;
        }
        rd_kafka_message_destroy(messages[static_cast<size_t>(i)]);
      }
      last.time = WallClock::now();
      last.cpu_s = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
      if (first.records == 0) first = last;
      if (last.time > deadline) GiveUp("the consumer does not come to the end");
    }
    if (bytes != bytes_) GiveUp("the consumer saw other bytes than were written");
    return Between(first, last);
  }

  Reading ReadWithRun(bool exactly_once) {
    const std::string name = fmt::format("{}-{}", exactly_once ? "exactly" : "plain", ++runs_);
    std::vector<std::string> command = RunCommand(SettingsOf(name, exactly_once));
    if (!exactly_once) command.front() = TIDEMARK_WITHOUT_EXACTLY_ONCE;
    TidemarkRun run(arguments_.directory, name, command);
    Pin(other_core_);  // looking at it is no work of its core
    if (!run.AwaitReady(kLongest)) GiveUp(name + " is not ready:\n" + run.Log());
    const Look first = Await(run, name, [](const Look&) { return true; });
    const Look last = Await(run, name, [&](const Look& look) { return look.records == arguments_.events; });
    // What is committed is counted.
    const auto all_counted = [&] { return run.Metric("tidemark_records_consumed_total") == arguments_.events; };
    if (!Eventually(kLongest, all_counted)) GiveUp(name + " did not take every record once:\n" + run.Log());
    // The sessions are checked: those that are closed and those that are still open.
    const auto count = [&](const std::string& metric) {
      const std::optional<double> value = run.Metric("tidemark_" + metric);
      if (!value) GiveUp(name + " does not answer");
      return static_cast<uint64_t>(*value);
    };
    const uint64_t sessions = count("sessions_closed_total") + count("open_sessions");
    if (sessions != expected_.sessions) {
      GiveUp(fmt::format("{} has {} sessions, not {}", name, sessions, expected_.sessions));
    }
    if (count("late_total") + count("dead_letters_total") != 0) GiveUp(name + " has late events or dead letters");
    run.process().Signal(SIGTERM);
    if (run.process().Wait(kLongest) != 0) GiveUp(name + " did not end well:\n" + run.Log());
    Pin(our_core_);
    Reading reading = Between(first, last);
    reading.sessions = sessions;
    return reading;
  }

 private:
  static void Pin(int core) {
    if (!PinTo(core)) GiveUp(fmt::format("cannot use core {}", core));
  }

  // Looks until all partitions have begun and `enough` says so. A process copies out how far it is ten times a second,
  // and to look more often would cost it; so what is seen is a little late, at both ends of a reading alike.
  Look Await(TidemarkRun& run, const std::string& name, const std::function<bool(const Look&)>& enough) const {
    const auto deadline = WallClock::now() + kLongest;
    while (WallClock::now() < deadline && run.process().Running()) {
      const std::optional<Look> look = LookAt(run);
      if (look && enough(*look)) return *look;
      std::this_thread::sleep_for(kBetweenLooks);
    }
    GiveUp(name + " does not come to the end:\n" + run.Log());
  }

  // nullopt: it does not answer, or not all partitions have begun.
  std::optional<Look> LookAt(TidemarkRun& run) const {
    Look look{WallClock::now(), run.process().CpuSeconds(), arguments_.events, 0, 0};
    int partitions = 0;
    std::istringstream page(run.Get("/metrics").value_or(""));
    for (std::string line; std::getline(page, line);) {
      const std::string name = line.substr(0, line.find_first_of("{ "));
      const auto value = [&] { return std::stod(line.substr(line.rfind(' '))); };
      if (name == "tidemark_commit_duration_seconds_count") look.commits += value();
      if (name == "tidemark_commit_duration_seconds_sum") look.commit_s += value();
      if (name != "tidemark_partition_lag_records") continue;
      look.records -= static_cast<uint64_t>(value());
      ++partitions;
    }
    return partitions == arguments_.partitions ? std::optional(look) : std::nullopt;
  }

  Settings SettingsOf(const std::string& group, bool exactly_once) const {
    Settings settings = {{"kafka.brokers", kafka_->address()},
                         {"kafka.group", group},
                         {"kafka.events_topic", kTopic},
                         {"kafka.create_topics", "true"},
                         {"kafka.partitions", std::to_string(arguments_.partitions)},
                         {"kafka.shards", "1"},
                         {"kafka.instance_id", "bench"}};
    settings["state.snapshot_interval"] = exactly_once ? fmt::format("{}s", arguments_.snapshot_interval_s) : "24h";
    if (!exactly_once) settings["state.recovery_target"] = "1h";
    for (const auto& [name, value] : arguments_.properties) settings["kafka.properties." + name] = value;
    return settings;
  }

  KafkaOptions ConsumerOptions() const {
    KafkaOptions options;
    options.brokers = kafka_->address();
    options.properties = arguments_.properties;
    return options;
  }

  const Arguments arguments_;
  int our_core_ = 0;
  int other_core_ = 0;  // the broker's
  std::unique_ptr<KafkaServer> kafka_;
  std::unique_ptr<KafkaAdmin> admin_;
  uint64_t bytes_ = 0;  // of all events
  CountingEffects expected_;
  int runs_ = 0;
};

int Run(const Arguments& arguments) {
  SetLogLevel(LogLevel::kWarn);
  Bench bench(arguments);
  bench.Fill();
  std::map<std::string, std::vector<double>> readings;
  const auto take = [&](const std::string& name, const Reading& reading) {
    if (reading.records != arguments.events) GiveUp(name + " did not take every record once");
    readings[name].push_back(reading.rate);
    readings[name + "_cpu_us"].push_back(reading.cpu_us);
    if (reading.commit_ms > 0) readings[name + "_commit_ms"].push_back(reading.commit_ms);
    std::cerr << fmt::format("{:14} {:9.0f} events/s  {:.2f} us of CPU an event  {:.0f} ms a commit  {} sessions\n",
                             name, reading.rate, reading.cpu_us, reading.commit_ms, reading.sessions);
  };
  // The first readings find a broker whose code is not compiled and whose log is being written out: they do not count.
  bench.ReadWithConsumer();
  bench.ReadWithRun(true);
  for (int i = 0; i < arguments.repeat; ++i) {
    take("consumer", bench.ReadWithConsumer());
    take("at_least_once", bench.ReadWithRun(false));
    take("exactly_once", bench.ReadWithRun(true));
  }
  std::string json;
  for (const auto& [name, each] : readings) {
    json += fmt::format(R"({}"{}":[{:.3f}])", json.empty() ? "" : ",", name, fmt::join(each, ","));
  }
  std::cout << "{" << json << "}\n";
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::Arguments arguments;
  CLI::App app("Reading a topic of a real Kafka: a bare consumer, tidemark run without exactly-once, and with it.");
  app.add_option("--events", arguments.events, "In the topic")->capture_default_str();
  app.add_option("--visitors", arguments.visitors, "Whose sessions they are")->capture_default_str();
  app.add_option("--partitions", arguments.partitions, "Of the topic")->capture_default_str();
  app.add_option("--repeat", arguments.repeat, "Repetitions of each")->capture_default_str();
  app.add_option("--snapshot-interval", arguments.snapshot_interval_s, "Of a partition, in seconds, exactly once")
      ->capture_default_str();
  app.add_flag("--small", arguments.small, "Events of 300 bytes instead of 1.75 KB");
  app.add_option("--compression", arguments.compression, "Of the topic")
      ->check(CLI::IsMember({"uncompressed", "lz4", "snappy", "zstd", "gzip"}))
      ->capture_default_str();
  const auto add_properties = [&](const std::vector<std::string>& all) {
    for (const std::string& text : all) {
      const size_t equals = text.find('=');
      if (equals == std::string::npos) throw CLI::ValidationError("--property", "must be NAME=VALUE, not " + text);
      arguments.properties[text.substr(0, equals)] = text.substr(equals + 1);
    }
  };
  app.add_option_function<std::vector<std::string>>("--property", add_properties,
                                                    "NAME=VALUE, of librdkafka, for all three; repeatable");
  app.add_option("--directory", arguments.directory, "For Kafka's data and the logs")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return tidemark::bench::Run(arguments);
}
