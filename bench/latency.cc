// How long after the record that moves a watermark past a session's deadline is that session visible, read committed?
//
// Writes generated events at a pace, each partition's in order, and reads the sessions that a running tidemark makes of
// them. Of each session the deadline (its endedDate) says which record was the first in its partition to move the
// watermark there; what counts is the time from when that record was handed to the producer to when the session was
// handed out by the consumer. Event time runs faster than the clock; that changes nothing about either moment.
//
//   latency_bench --brokers B --events-topic T --sessions-topic T --partitions N --rate EVENTS_A_SECOND ...
//
// With --rate 0 it only writes, as fast as it can. The last line is JSON: percentiles in milliseconds.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <librdkafka/rdkafka.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/rules.h"
#include "core/timestamp.h"
#include "ingest/kafka_handle.h"
#include "ingest/traffic_generator.h"

namespace tidemark::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  KafkaOptions kafka;
  int partitions = 4;
  uint64_t rate = 0;
  int seconds = 20;
  int warm_up_seconds = 5;
  std::string start = "2025-01-06T10:00:00Z";
  uint32_t visitors = 20'000;
};

[[noreturn]] void GiveUp(const std::string& why) {
  std::cerr << "latency_bench: " << why << "\n";
  std::exit(EXIT_FAILURE);
}

// When each partition's watermark was moved where. Written by one thread, read by another.
class Moves {
 public:
  explicit Moves(int partitions) : moves_(static_cast<size_t>(partitions)) {}

  void Add(int32_t partition, EventTime time) {
    const std::lock_guard lock(mutex_);
    std::vector<Move>& moves = moves_.at(static_cast<size_t>(partition));
    if (moves.empty() || moves.back().watermark < time - out_of_orderness_) {
      moves.push_back({time - out_of_orderness_, Clock::now()});
    }
  }

  // Of the first move to `deadline` or beyond; nothing: none of these moves did it.
  std::optional<Clock::time_point> When(int32_t partition, EventTime deadline) const {
    const std::lock_guard lock(mutex_);
    const std::vector<Move>& moves = moves_.at(static_cast<size_t>(partition));
    const auto found = std::lower_bound(moves.begin(), moves.end(), deadline,
                                        [](const Move& move, EventTime time) { return move.watermark < time; });
    if (found == moves.begin() || found == moves.end()) return std::nullopt;
    return found->when;
  }

 private:
  struct Move {
    EventTime watermark;
    Clock::time_point when;
  };
  const Duration out_of_orderness_ = Rules{}.max_out_of_orderness;
  mutable std::mutex mutex_;
  std::vector<std::vector<Move>> moves_;
};

KafkaClientHandle MakeClient(const Arguments& arguments, rd_kafka_type_t type, const KafkaProperties& properties) {
  auto conf = MakeKafkaConf(arguments.kafka, properties);
  if (!conf.ok()) GiveUp(conf.status().ToString());
  auto client = MakeKafkaClient(type, *std::move(conf));
  if (!client.ok()) GiveUp(client.status().ToString());
  return *std::move(client);
}

// The events, at their pace; ahead of nobody, behind by what the machine cannot do.
class Writer {
 public:
  Writer(const Arguments& arguments, Moves& moves)
      : arguments_(arguments),
        moves_(moves),
        generator_(Options(arguments)),
        producer_(MakeClient(arguments, RD_KAFKA_PRODUCER,
                             {{"enable.idempotence", "true"}, {"linger.ms", "2"}, {"compression.type", "lz4"}})) {}

  // Returns the events written, all acknowledged.
  uint64_t Run() {
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::seconds(arguments_.seconds);
    uint64_t written = 0;
    while (Clock::now() < end) {
      Write();
      ++written;
      if (arguments_.rate == 0) continue;
      const auto due = begin + std::chrono::nanoseconds(1'000'000'000 * written / arguments_.rate);
      if (due > Clock::now()) std::this_thread::sleep_until(due);
    }
    if (rd_kafka_flush(producer_.get(), 60'000) != RD_KAFKA_RESP_ERR_NO_ERROR) GiveUp("events were not taken in time");
    return written;
  }

 private:
  static TrafficOptions Options(const Arguments& arguments) {
    TrafficOptions options;
    const auto start = ParseTimestamp(arguments.start);
    if (!start) GiveUp("--start is no time");
    options.start = *start;
    options.visitors = arguments.visitors;
    return options;
  }

  void Write() {
    const GeneratedEvent event = generator_.Next();
    const int32_t partition = PartitionOfKey(event.key, static_cast<uint32_t>(arguments_.partitions));
    moves_.Add(partition, event.time);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      error = rd_kafka_producev(
          producer_.get(), RD_KAFKA_V_TOPIC(arguments_.kafka.events_topic.c_str()), RD_KAFKA_V_PARTITION(partition),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(event.key.data(), event.key.size()),
          RD_KAFKA_V_VALUE(const_cast<char*>(event.value.data()), event.value.size()), RD_KAFKA_V_END);
      rd_kafka_poll(producer_.get(), error == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 10 : 0);
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) GiveUp(rd_kafka_err2str(error));
  }

  const Arguments& arguments_;
  Moves& moves_;
  TrafficGenerator generator_;
  KafkaClientHandle producer_;
};

// The sessions, as they become visible.
class Reader {
 public:
  Reader(const Arguments& arguments, const Moves& moves)
      : moves_(moves),
        consumer_(MakeClient(arguments, RD_KAFKA_CONSUMER,
                             {{"group.id", "latency"},
                              {"isolation.level", "read_committed"},
                              {"enable.auto.commit", "false"},
                              {"auto.offset.reset", "earliest"}})) {
    rd_kafka_poll_set_consumer(consumer_.get());
    const KafkaPartitions list(rd_kafka_topic_partition_list_new(arguments.partitions));
    const char* const topic = arguments.kafka.sessions_topic.c_str();
    for (int i = 0; i < arguments.partitions; ++i) {
      // Not RD_KAFKA_OFFSET_END, which becomes an offset only later, when the first sessions may be there.
      int64_t low = 0;
      int64_t high = 0;
      const auto error = rd_kafka_query_watermark_offsets(consumer_.get(), topic, i, &low, &high, 30'000);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) GiveUp(rd_kafka_err2str(error));
      rd_kafka_topic_partition_list_add(list.get(), topic, i)->offset = high;
    }
    rd_kafka_assign(consumer_.get(), list.get());
  }

  // Reads until `stop`, and from then on until no session has come for a while.
  void RunUntil(const std::atomic<bool>& stop) {
    constexpr std::chrono::seconds kQuiet{3};
    auto last = Clock::now();
    while (!stop || Clock::now() < last + kQuiet) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_.get(), 50);
      if (!stop || message != nullptr) last = Clock::now();
      if (message == nullptr) continue;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) Take(*message);
      rd_kafka_message_destroy(message);
    }
  }

  // Milliseconds, sorted: of the sessions whose record was written after the warm-up.
  std::vector<double> Latencies(Clock::time_point from) {
    std::vector<double> latencies;
    for (const auto& [began, seen] : sessions_) {
      if (began >= from) latencies.push_back(std::chrono::duration<double, std::milli>(seen - began).count());
    }
    std::sort(latencies.begin(), latencies.end());
    return latencies;
  }

  uint64_t seen() const { return seen_; }

 private:
  void Take(const rd_kafka_message_t& message) {
    const auto now = Clock::now();
    ++seen_;
    const std::string_view json(static_cast<const char*>(message.payload), message.len);
    constexpr std::string_view kName = R"("endedDate":")";
    const size_t found = json.find(kName);
    if (found == std::string_view::npos) GiveUp("a session without endedDate");
    const auto deadline = ParseTimestamp(json.substr(found + kName.size(), 24));
    if (!deadline) GiveUp("a session whose endedDate is no time");
    // None: the session was due before the first event, because of those of another run.
    const auto began = moves_.When(PartitionOf(message), *deadline);
    if (began) sessions_.emplace_back(*began, now);
  }

  // From the header `source`, "topic:partition:first..last".
  static int32_t PartitionOf(const rd_kafka_message_t& message) {
    rd_kafka_headers_t* headers = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "source", &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      GiveUp("a session without the header `source`");
    }
    const std::string source(static_cast<const char*>(value), size);
    const size_t last = source.rfind(':');
    const size_t before = source.rfind(':', last - 1);
    return std::atoi(source.c_str() + before + 1);
  }

  const Moves& moves_;
  KafkaClientHandle consumer_;
  uint64_t seen_ = 0;
  std::vector<std::pair<Clock::time_point, Clock::time_point>> sessions_;  // record written, session seen
};

std::string Percentiles(const std::vector<double>& sorted) {
  std::vector<std::string> each;
  for (const double percentile : {1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0}) {
    const auto place = static_cast<size_t>(percentile / 100 * static_cast<double>(sorted.size() - 1));
    each.push_back(fmt::format(R"("{}":{:.2f})", percentile, sorted[place]));
  }
  return fmt::format("{{{}}}", fmt::join(each, ","));
}

int Run(const Arguments& arguments) {
  Moves moves(arguments.partitions);
  Reader reader(arguments, moves);
  std::atomic<bool> stop{false};
  std::thread reading([&] { reader.RunUntil(stop); });
  const auto begin = Clock::now();
  Writer writer(arguments, moves);
  const uint64_t written = writer.Run();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  stop = true;
  reading.join();
  const auto latencies = reader.Latencies(begin + std::chrono::seconds(arguments.warm_up_seconds));
  if (arguments.rate > 0 && latencies.size() < 100) GiveUp("too few sessions closed");
  std::cout << fmt::format(R"({{"events":{},"seconds":{:.2f},"sessions":{},"seen":{},"percentiles_ms":{}}})", written,
                           seconds, latencies.size(), reader.seen(), latencies.empty() ? "{}" : Percentiles(latencies))
            << "\n";
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::Arguments arguments;
  CLI::App app("From the record that moves the watermark past a deadline to the session, read committed.");
  app.add_option("--brokers", arguments.kafka.brokers, "host:port")->required();
  app.add_option("--events-topic", arguments.kafka.events_topic, "Written")->capture_default_str();
  app.add_option("--sessions-topic", arguments.kafka.sessions_topic, "Read")->capture_default_str();
  app.add_option("--partitions", arguments.partitions, "Of both")->capture_default_str();
  app.add_option("--rate", arguments.rate, "Events a second; 0: write only, as fast as possible");
  app.add_option("--seconds", arguments.seconds, "For which events are written")->capture_default_str();
  app.add_option("--warm-up-seconds", arguments.warm_up_seconds, "Of them, that do not count")->capture_default_str();
  app.add_option("--start", arguments.start, "Event time of the first event")->capture_default_str();
  app.add_option("--visitors", arguments.visitors, "Whose sessions they are")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return tidemark::bench::Run(arguments);
}
