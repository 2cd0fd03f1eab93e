// How long is a partition without a reader after `kill -9`?
//
// A real Kafka on this machine, a topic whose events open as many sessions as asked for and close none, `tidemark run`
// until all of it is committed and in snapshots; more events are written while it is killed and started again. What is
// measured is the time from the start of the process until /readyz says that every partition is live, which includes
// loading the snapshots and replaying what came since. Needs the jars that the tests of a real Kafka use.
//
//   recovery_bench [--sessions N] [--partitions N] [--events-per-session N] [--small] [--shards N] [--repeat N]
//                  [--directory D]
//
// The last line, in JSON: the seconds of each repetition, sessions, records replayed, and how long turns of snapshots
// kept the shards busy.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ingest/traffic_generator.h"
#include "tests/broker/kafka_admin.h"
#include "tests/broker/kafka_server.h"
#include "tests/broker/tidemark_process.h"

namespace tidemark::bench {
namespace {

using namespace tidemark::testing;  // NOLINT(google-build-using-namespace): the tests' helpers are all this is made of
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr char kTopic[] = "journey-events";
constexpr seconds kLongest{1'800};  // of any wait

struct Arguments {
  uint32_t sessions = 1'000'000;
  int partitions = 8;
  uint32_t events_per_session = 2;
  bool small = false;
  int shards = 0;  // 0: one per core
  int repeat = 3;
  std::string directory = "recovery-bench";
};

[[noreturn]] void GiveUp(const std::string& why) {
  std::cerr << "recovery: " << why << "\n";
  std::exit(EXIT_FAILURE);
}

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The first events of each visitor, until there are as many visitors as sessions wanted.
class Load {
 public:
  explicit Load(const Arguments& arguments)
      : limit_(arguments.events_per_session), generator_(Options(arguments)), admin_(nullptr) {}

  void set_admin(KafkaAdmin* admin) { admin_ = admin; }

  // Writes the events that open `sessions` sessions, and those of them that come before.
  void Fill(uint32_t sessions) {
    while (seen_.size() < sessions) Take();
    Flush();
  }

  // Writes so many more events, of the same visitors.
  void More(uint64_t events) {
    limit_ = ~0U;
    for (uint64_t i = 0; i < events; ++i) Take();
    Flush();
  }

  uint64_t written() const { return written_; }

 private:
  static TrafficOptions Options(const Arguments& arguments) {
    TrafficOptions options;
    options.visitors = arguments.sessions;
    options.small = arguments.small;
    options.longest_visit = static_cast<uint16_t>(arguments.events_per_session);  // the others would not be written
    return options;
  }

  void Take() {
    const GeneratedEvent event = generator_.Next();
    if (seen_[std::string(event.key)]++ >= limit_) return;
    StoredRecord record;
    record.partition = -1;
    record.key = std::string(event.key);
    record.value = std::string(event.value);
    batch_.push_back(std::move(record));
    ++written_;
    constexpr size_t kBatch = 20'000;
    if (batch_.size() >= kBatch) Flush();
  }

  void Flush() {
    admin_->Write(kTopic, batch_);
    batch_.clear();
  }

  uint32_t limit_;
  TrafficGenerator generator_;
  KafkaAdmin* admin_;
  std::unordered_map<std::string, uint32_t> seen_;  // events of each visitor
  std::vector<StoredRecord> batch_;
  uint64_t written_ = 0;
};

Settings SettingsOf(const KafkaServer& kafka, const Arguments& arguments) {
  return {{"kafka.brokers", kafka.address()}, {"kafka.events_topic", kTopic},
          {"kafka.create_topics", "true"},    {"kafka.shards", std::to_string(arguments.shards)},
          {"kafka.instance_id", "bench"},     {"session.timeout.web", "24h"},
          {"session.max_duration.web", "30d"}};
}

void AwaitCommitted(KafkaAdmin& admin, const Settings& settings, int partitions) {
  const std::string group = settings.contains("kafka.group") ? settings.at("kafka.group") : "tidemark";
  const bool done = Eventually(
      kLongest, [&] { return admin.Committed(group, kTopic, partitions) == admin.Ends(kTopic, partitions); });
  if (!done) GiveUp("not all of the topic was committed in time");
}

// How long turns of snapshots kept the shards busy while the topic was read: upper limits in seconds, as JSON, each
// with how many turns were within it.
std::string Pauses(TidemarkRun& tidemark) {
  constexpr std::string_view kBucket = "tidemark_snapshot_pause_seconds_bucket";
  constexpr std::string_view kLimit = "le=\"";
  std::istringstream page(tidemark.Get("/metrics").value_or(""));
  std::vector<std::string> each;
  for (std::string line; std::getline(page, line);) {
    const size_t limit = line.find(kLimit);
    if (!line.starts_with(kBucket) || limit == line.npos) continue;
    const size_t begin = limit + kLimit.size();
    each.push_back(
        fmt::format(R"("{}":{})", line.substr(begin, line.find('"', begin) - begin), line.substr(line.rfind(' ') + 1)));
  }
  return fmt::format("{{{}}}", fmt::join(each, ","));
}

// How many sessions are open, when no more records come.
double OpenSessions(TidemarkRun& tidemark) {
  double before = -1;
  double now = -1;
  const bool settled = Eventually(kLongest, [&] {
    before = std::exchange(now, tidemark.Metric("tidemark_open_sessions").value_or(-1));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // it is copied out ten times a second
    return now == before && now > 0;
  });
  if (!settled) GiveUp("the number of open sessions does not come to rest");
  return now;
}

struct Recovery {
  double seconds = 0;
  double sessions = 0;
  double replayed = 0;
};

Recovery Recover(const Settings& settings, const Arguments& arguments, int run) {
  const auto start = Clock::now();
  TidemarkRun tidemark(settings, arguments.directory, fmt::format("run{}", run));
  if (!tidemark.AwaitReady(kLongest)) GiveUp("not ready in time:\n" + tidemark.Log());
  Recovery recovery;
  recovery.seconds = SecondsSince(start);
  recovery.sessions = OpenSessions(tidemark);
  recovery.replayed = tidemark.Metric("tidemark_recovery_records_total").value_or(0);
  tidemark.process().Signal(SIGKILL);
  return recovery;
}

int Run(const Arguments& arguments) {
  std::filesystem::create_directories(arguments.directory);
  const auto kafka = KafkaServer::Start(arguments.directory, {.optimised = true});
  if (!kafka) GiveUp("Kafka did not start");
  KafkaAdmin admin(kafka->address());
  admin.CreateTopic(kTopic, arguments.partitions);
  Load load(arguments);
  load.set_admin(&admin);

  auto start = Clock::now();
  load.Fill(arguments.sessions);
  std::cerr << fmt::format("wrote {} events in {:.1f} s\n", load.written(), SecondsSince(start));
  const Settings settings = SettingsOf(*kafka, arguments);
  start = Clock::now();
  std::string pauses;
  double open = 0;
  {
    TidemarkRun tidemark(settings, arguments.directory, "fill");
    AwaitCommitted(admin, settings, arguments.partitions);
    std::cerr << fmt::format("read and committed in {:.1f} s\n", SecondsSince(start));
    load.More(arguments.sessions / 20);
    AwaitCommitted(admin, settings, arguments.partitions);
    open = OpenSessions(tidemark);
    if (open < arguments.sessions) GiveUp("not as many sessions are open as were asked for");
    pauses = Pauses(tidemark);
    tidemark.process().Signal(SIGKILL);
  }
  std::vector<double> each;
  Recovery last;
  for (int run = 0; run < arguments.repeat; ++run) {
    last = Recover(settings, arguments, run);
    std::cerr << fmt::format("live after {:.2f} s: {:.0f} open sessions, {:.0f} records replayed\n", last.seconds,
                             last.sessions, last.replayed);
    if (last.sessions != open) GiveUp(fmt::format("{:.0f} sessions came back, not {:.0f}", last.sessions, open));
    each.push_back(last.seconds);
  }
  std::cout << fmt::format(R"({{"seconds":[{:.2f}],"sessions":{:.0f},"records_replayed":{:.0f},"snapshot_pauses":{}}})",
                           fmt::join(each, ","), last.sessions, last.replayed, pauses)
            << "\n";
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::Arguments arguments;
  CLI::App app("How long partitions are without a reader after kill -9, with many open sessions, on a real Kafka.");
  app.add_option("--sessions", arguments.sessions, "Open sessions")->capture_default_str();
  app.add_option("--partitions", arguments.partitions, "Of the topic")->capture_default_str();
  app.add_option("--events-per-session", arguments.events_per_session, "Before the kill")
      ->capture_default_str()
      ->check(CLI::Range(1, UINT16_MAX));
  app.add_flag("--small", arguments.small, "Events of 300 bytes instead of 1.75 KB");
  app.add_option("--shards", arguments.shards, "Of the process; 0: one per core")->capture_default_str();
  app.add_option("--repeat", arguments.repeat, "How often it is killed")->capture_default_str();
  app.add_option("--directory", arguments.directory, "For Kafka's data and the logs")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return tidemark::bench::Run(arguments);
}
