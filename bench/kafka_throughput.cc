// What reading from Kafka costs, what the engine adds, and what exactly-once adds to that.
//
// A real Kafka on one core, everything else of this process on another. The same preloaded topic is read to its end in
// turn by
//   consumer      a bare librdkafka consumer that counts records and bytes
//   at_least_once a shard whose outputs go to a producer without transactions; no offsets, no snapshots, no decisions
//   exactly_once  a shard as `tidemark run` has it, with the settings' defaults but for more frequent snapshots
// A reading counts if it took every record and, of the shards, as many sessions as the others. Needs the jars that the
// tests of a real Kafka use.
//
//   kafka_throughput_bench [--events N] [--visitors N] [--partitions N] [--repeat N] [--snapshot-interval SECONDS]
//                          [--compression lz4] [--property NAME=VALUE]... [--small] [--directory D]
//
// The last line, in JSON: events per second of each repetition, and microseconds of CPU an event.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ingest/kafka_client.h"
#include "ingest/record_producer.h"
#include "ingest/shard.h"
#include "ingest/traffic_generator.h"
#include "sinks/log.h"
#include "tests/broker/kafka_admin.h"
#include "tests/broker/kafka_server.h"

namespace tidemark::bench {
namespace {

using testing::KafkaAdmin;
using testing::KafkaServer;
using testing::StoredRecord;
using WallClock = std::chrono::steady_clock;

constexpr char kTopic[] = "journey-events";
constexpr Duration kNever = Days(365);

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

double SecondsSince(WallClock::time_point start) {
  return std::chrono::duration<double>(WallClock::now() - start).count();
}

struct Reading {
  double rate = 0;    // events per second
  double cpu_us = 0;  // microseconds that all threads of this process have spent on an event
  uint64_t records = 0;
  uint64_t sessions = 0;
};

// From its construction on.
class Stopwatch {
 public:
  double Seconds() const { return SecondsSince(start_); }
  void Fill(uint64_t events, Reading& reading) const {
    reading.rate = static_cast<double>(events) / Seconds();
    reading.cpu_us = static_cast<double>(std::clock() - cpu_) * 1e6 / CLOCKS_PER_SEC / static_cast<double>(events);
  }

 private:
  WallClock::time_point start_ = WallClock::now();
  std::clock_t cpu_ = std::clock();
};

// Threads and programs that are started from here on run on this core alone.
void PinTo(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (sched_setaffinity(0, sizeof(cores), &cores) != 0) GiveUp(fmt::format("cannot use core {}", core));
}

// A broker without transactions: what a shard writes goes out, what it would commit does not.
class PlainBroker : public Broker {
 public:
  PlainBroker(const KafkaOptions& options, std::unique_ptr<KafkaClient> client)
      : state_topic_(StateTopic(options)), client_(std::move(client)) {
    KafkaProperties ours;
    AddProducerSettings(ours);
    auto conf = MakeKafkaConf(options, ours);
    Require(conf.status());
    auto producer = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
    Require(producer.status());
    producer_ = *std::move(producer);
  }

  absl::Status Poll(Duration timeout, PollResult& result) override {
    rd_kafka_poll(producer_.get(), 0);
    return client_->Poll(timeout, result);
  }
  std::span<const RecordHeader> Headers(const InputRecord& record) override { return client_->Headers(record); }
  absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) override { return client_->Assign(starts); }
  uint64_t Unassign() override { return client_->Unassign(); }
  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override {
    return client_->Committed(partitions);
  }
  absl::StatusOr<Offset> FirstOffset(PartitionId partition) override { return client_->FirstOffset(partition); }
  std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) override {
    return client_->EndOffsets(partitions);
  }
  std::optional<Offset> CachedEnd(PartitionId partition) override { return client_->CachedEnd(partition); }

  absl::Status RestartProducer() override { return absl::OkStatus(); }
  absl::Status BeginTransaction() override { return absl::OkStatus(); }
  absl::Status SendOffsets(std::span<const CommittedOffset>) override { return absl::OkStatus(); }
  absl::Status CommitTransaction() override { return absl::OkStatus(); }
  uint64_t max_record_bytes() const override { return 1'000'000; }
  uint64_t UnacknowledgedBytes() override { return 0; }
  absl::Status Write(const OutputRecord& record) override {
    if (record.topic == state_topic_) return absl::OkStatus();
    for (;;) {
      const KafkaError error = Produce(producer_.get(), record);
      if (!error) return absl::OkStatus();
      if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        return absl::InternalError(rd_kafka_error_string(error.get()));
      }
      rd_kafka_poll(producer_.get(), 100);
    }
  }

  absl::Status ReadState(std::span<const PartitionStart> starts) override { return client_->ReadState(starts); }
  absl::Status PollState(Duration timeout, StatePollResult& result) override {
    return client_->PollState(timeout, result);
  }
  absl::StatusOr<Offset> StateEnd(PartitionId partition) override { return client_->StateEnd(partition); }
  void TruncateState(PartitionId, Offset) override {}
  void Close() override { client_->Close(); }

 private:
  const std::string state_topic_;
  std::unique_ptr<KafkaClient> client_;
  KafkaClientHandle producer_;
};

class Bench {
 public:
  explicit Bench(const Arguments& arguments) : arguments_(arguments) {
    std::filesystem::create_directories(arguments.directory);
    PinTo(1);
    kafka_ = KafkaServer::Start(arguments.directory, {.optimised = true});
    if (!kafka_) GiveUp("Kafka did not start");
    PinTo(0);
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
    std::vector<StoredRecord> batch;
    constexpr uint64_t kBatch = 20'000;
    for (uint64_t i = 0; i < arguments_.events; ++i) {
      const GeneratedEvent event = generator.Next();
      StoredRecord& record = batch.emplace_back();
      record.partition = PartitionOfKey(event.key, static_cast<uint32_t>(arguments_.partitions));
      record.key = std::string(event.key);
      record.value = std::string(event.value);
      bytes_ += event.value.size();
      if (batch.size() < kBatch && i + 1 < arguments_.events) continue;
      admin_->Write(kTopic, batch);
      batch.clear();
    }
  }

  Reading ReadWithConsumer() {
    // It is never behind; a limit that it touched would only make librdkafka pause.
    const KafkaProperties ours = {{"group.id", "bare"},
                                  {"enable.auto.commit", "false"},
                                  {"fetch.max.bytes", "8388608"},
                                  {"queued.min.messages", "10000000"},
                                  {"queued.max.messages.kbytes", "524288"}};
    auto conf = MakeKafkaConf(Options("bare"), ours);
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
    const Stopwatch watch;
    rd_kafka_assign(client, list.get());
    Reading reading;
    uint64_t bytes = 0;
    std::vector<rd_kafka_message_t*> messages(1'000);
    while (reading.records < arguments_.events) {
      const ssize_t count = rd_kafka_consume_batch_queue(queue.get(), 100, messages.data(), messages.size());
      for (ssize_t i = 0; i < count; ++i) {
        const rd_kafka_message_t* message = messages[static_cast<size_t>(i)];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
          ++reading.records;
          bytes += message->len;
        }
        rd_kafka_message_destroy(messages[static_cast<size_t>(i)]);
      }
      if (watch.Seconds() > 600) GiveUp("the consumer does not come to the end");
    }
    watch.Fill(reading.records, reading);
    if (bytes != bytes_) GiveUp("the consumer saw other bytes than were written");
    return reading;
  }

  Reading ReadWithShard(bool exactly_once) {
    KafkaOptions options = Options(fmt::format("{}-{}", exactly_once ? "exactly" : "plain", ++runs_));
    options.snapshot_interval = exactly_once ? Seconds(arguments_.snapshot_interval_s) : kNever;
    if (!exactly_once) options.recovery_target = kNever;
    admin_->CreateTopic(StateTopic(options), arguments_.partitions, {{"cleanup.policy", "delete"}});
    auto client = KafkaClient::Create(options, 0);
    Require(client.status());
    std::unique_ptr<Broker> broker;
    if (exactly_once) {
      broker = *std::move(client);
    } else {
      broker = std::make_unique<PlainBroker>(options, *std::move(client));
    }
    const SystemClock clock;
    ShardHeartbeat heartbeat;
    Shard shard({0, Rules{}, options, "bench"}, *broker, clock, heartbeat);
    const Reading reading = ReadToTheEnd(shard);
    shard.Close();
    return reading;
  }

 private:
  KafkaOptions Options(const std::string& group) const {
    KafkaOptions options;
    options.brokers = kafka_->address();
    options.group = group;
    options.instance_id = "bench";
    options.properties = arguments_.properties;
    return options;
  }

  // From when all partitions are at work: joining the group is no throughput.
  Reading ReadToTheEnd(Shard& shard) const {
    const Stopwatch all_of_it;
    Stopwatch watch;
    uint64_t at_start = 0;
    bool all = false;
    ShardSnapshot snapshot;
    Reading reading;
    for (uint64_t step = 0; reading.records < arguments_.events; ++step) {
      Require(shard.Step(Milliseconds(100)));
      constexpr uint64_t kStepsBetweenLooks = 8;
      if (all && step % kStepsBetweenLooks > 0) continue;
      shard.FillSnapshot(snapshot);
      reading.records = RecordsTaken(snapshot);
      if (!all && AllRunning(snapshot)) {
        all = true;
        watch = Stopwatch();
        at_start = reading.records;
      }
      if (all_of_it.Seconds() > 600) GiveUp("the shard does not come to the end");
    }
    watch.Fill(reading.records - at_start, reading);
    Require(shard.CommitForStop());
    shard.FillSnapshot(snapshot);
    for (const auto& closed : snapshot.counters.sessions_closed) {
      for (const uint64_t count : closed) reading.sessions += count;
    }
    return reading;
  }

  static uint64_t RecordsTaken(const ShardSnapshot& snapshot) {
    uint64_t records = 0;
    for (const PartitionSnapshot& partition : snapshot.partitions) {
      records += static_cast<uint64_t>(partition.next.value);
    }
    return records;
  }

  bool AllRunning(const ShardSnapshot& snapshot) const {
    const auto running =
        std::count_if(snapshot.partitions.begin(), snapshot.partitions.end(), [](const PartitionSnapshot& partition) {
          return partition.state == WorkState::kRunning && partition.next.value > 0;
        });
    return running == arguments_.partitions;
  }

  const Arguments arguments_;
  std::unique_ptr<KafkaServer> kafka_;
  std::unique_ptr<KafkaAdmin> admin_;
  uint64_t bytes_ = 0;  // of all events
  int runs_ = 0;
};

int Run(const Arguments& arguments) {
  SetLogLevel(LogLevel::kWarn);
  Bench bench(arguments);
  bench.Fill();
  std::map<std::string, std::vector<double>> rates;
  std::map<std::string, std::vector<double>> cpu_us;
  std::optional<uint64_t> sessions;
  const auto take = [&](const std::string& name, const Reading& reading) {
    if (reading.records != arguments.events) GiveUp(name + " did not take every record once");
    const bool shard = name != "consumer";
    if (shard && sessions && *sessions != reading.sessions) GiveUp(name + " has another number of sessions");
    if (shard) sessions = reading.sessions;
    rates[name].push_back(reading.rate);
    cpu_us[name].push_back(reading.cpu_us);
    std::cerr << fmt::format("{:14} {:9.0f} events/s  {:.2f} us of CPU an event  {} sessions closed\n", name,
                             reading.rate, reading.cpu_us, reading.sessions);
  };
  for (int i = 0; i < arguments.repeat; ++i) {
    take("consumer", bench.ReadWithConsumer());
    take("at_least_once", bench.ReadWithShard(false));
    take("exactly_once", bench.ReadWithShard(true));
  }
  std::string json;
  for (const auto& [name, each] : rates) {
    json += fmt::format(R"({}"{}":[{:.0f}],"{}_cpu_us":[{:.3f}])", json.empty() ? "" : ",", name, fmt::join(each, ","),
                        name, fmt::join(cpu_us[name], ","));
  }
  std::cout << "{" << json << "}\n";
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::Arguments arguments;
  CLI::App app("Reading a topic of a real Kafka: a bare consumer, a shard without exactly-once, a shard with it.");
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
