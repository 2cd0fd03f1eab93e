// What do parsing, applying and emitting cost, as a share of what simdjson needs for the same bytes?
//
// The yardstick is a bare simdjson On-Demand pass: one iteration over each document's top-level fields to the end, each
// of the scalars read. Every measurement alternates with it in the same iteration, so that both see the same machine;
// `of_simdjson` is the median of (yardstick time / own time), 1 meaning as fast as the yardstick. Each pass checks its
// result before its time counts. One core, from memory:
//
//   taskset -c 0 build/release/bench/core_bench [--events=N] [--open_sessions=N]
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/counting_effects.h"
#include "bench/traffic.h"
#include "core/document.h"
#include "core/event.h"
#include "core/partition.h"
#include "core/session_json.h"

namespace tidemark::bench {
namespace {

constexpr uint64_t kSeed = 1;
uint64_t g_events = 100'000;                // --events
constexpr int64_t kRandomEvents = 300'000;  // of the measurements with many sessions

const Traffic& Web() {
  static const Traffic kTraffic = MakeWebTraffic(g_events, kSeed);
  return kTraffic;
}

void Check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "core_bench: wrong result: %s\n", what);
  std::exit(EXIT_FAILURE);
}

double SecondsOf(auto&& pass) {
  const auto begin = std::chrono::steady_clock::now();
  pass();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The yardstick.
void BareSimdjson(const Traffic& traffic) {
  static simdjson::ondemand::parser parser;
  uint64_t strings = 0;
  for (const std::string_view event : traffic.events) {
    const auto room = static_cast<size_t>(traffic.bytes.data() + traffic.bytes.size() - event.data());
    simdjson::ondemand::document document;
    Check(parser.iterate(event.data(), event.size(), room).get(document) == simdjson::SUCCESS, "iterate");
    simdjson::ondemand::object object;
    Check(document.get_object().get(object) == simdjson::SUCCESS, "object");
    for (auto field : object) {
      simdjson::ondemand::raw_json_string key;
      Check(field.key().get(key) == simdjson::SUCCESS, "key");
      std::string_view text;
      if (field.value().get_string().get(text) == simdjson::SUCCESS) strings += text.empty() ? 0 : 1;
    }
  }
  Check(strings >= 5 * traffic.events.size(), "bare simdjson reads the envelope's strings");
}

void CheckDocuments(const Traffic& traffic) {
  static Document document;
  uint64_t good = 0;
  for (const std::string_view event : traffic.events) good += document.Parse(event) == Document::Fault::kNone ? 1 : 0;
  Check(good == traffic.events.size(), "every event is JSON");
}

void ParseEvents(const Traffic& traffic) {
  static const Rules kRules;
  static EventParser parser(kRules);
  uint64_t good = 0;
  for (const std::string_view event : traffic.events) {
    good += parser.Parse({event, Offset{0}, kAfterAllTime}) == nullptr ? 1 : 0;
  }
  Check(good == traffic.events.size(), "every record is an event");
}

// Everything: parse, sessionize, emit.
void WholeEngine(const Traffic& traffic) {
  static const Rules kRules;
  Partition partition(PartitionId{0}, kRules);
  CountingEffects effects;
  const auto record = [&](size_t i) {
    return Record{traffic.events[i], Offset{static_cast<int64_t>(i)}, kAfterAllTime};
  };
  ApplyAll(traffic.events.size(), record, partition, effects);
  partition.AdvanceWatermark(kAfterAllTime, effects);
  Check(effects.events == traffic.events.size() && effects.others == 0, "every event is in a session");
  Check(effects.sessions > 0 && effects.bytes > effects.sessions * 300, "sessions are emitted");
}

// A bare pass and a pass of our own, in turn.
void Measure(benchmark::State& state, void (*pass)(const Traffic&)) {
  const Traffic& traffic = Web();
  std::vector<double> shares;
  while (state.KeepRunning()) {
    const double bare = SecondsOf([&] { BareSimdjson(traffic); });
    const double own = SecondsOf([&] { pass(traffic); });
    state.SetIterationTime(own);
    shares.push_back(bare / own);
  }
  std::sort(shares.begin(), shares.end());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * traffic.events.size()));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * traffic.bytes.size()));
  state.counters["of_simdjson"] = shares[shares.size() / 2];
  state.counters["least"] = shares.front();
  state.counters["most"] = shares.back();
}

void BM_BareSimdjson(benchmark::State& state) { Measure(state, BareSimdjson); }
void BM_CheckDocument(benchmark::State& state) { Measure(state, CheckDocuments); }
void BM_ParseEvent(benchmark::State& state) { Measure(state, ParseEvents); }
void BM_WholeEngine(benchmark::State& state) { Measure(state, WholeEngine); }

BENCHMARK(BM_BareSimdjson)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CheckDocument)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ParseEvent)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_WholeEngine)->UseManualTime()->Unit(benchmark::kMillisecond);

// Emission by itself: one session of ten events, written again and again.
void BM_EmitSession(benchmark::State& state) {
  const Rules rules;
  CommonValues common;
  MakeSession(Web(), rules, 10, common);
  const Session session = MakeSession(Web(), rules, 10, common);
  Check(session.events > 0, "a session");
  SessionWriter writer(rules);
  while (state.KeepRunning()) {
    writer.Write(session);
    benchmark::DoNotOptimize(writer.json().data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * writer.json().size()));
}
BENCHMARK(BM_EmitSession);

// Events of many visitors: those of the traffic without a session id, under the ids of other customers.
class ManyVisitors {
 public:
  ManyVisitors() {
    for (const std::string_view event : Web().events) {
      const bool usable = event.find("\"session\":") == event.npos && event.starts_with(kBeforeId);
      if (usable && forms_.size() < 64) forms_.emplace_back(event);
    }
    Check(!forms_.empty(), "some events are by customer");
  }

  // The next event, of that visitor. Valid until as many more were taken as may be announced.
  std::string_view Next(uint64_t visitor) {
    std::string& event = ring_[number_ % ring_.size()];
    event.assign(forms_[visitor % forms_.size()]);
    Write(event, kBeforeId.size(), number_++);
    Write(event, event.find(kBeforeCustomer) + kBeforeCustomer.size(), visitor);
    return event;
  }

 private:
  static constexpr std::string_view kBeforeId = R"({"id":")";
  static constexpr std::string_view kBeforeCustomer = R"("customerId":")";

  // The last twelve digits of a UUID.
  static void Write(std::string& event, size_t uuid, uint64_t value) {
    for (size_t i = 36; i > 24; value /= 10) event[uuid + --i] = static_cast<char>('0' + value % 10);
  }

  std::vector<std::string> forms_;
  std::array<std::string, 2 * kAnnouncedAhead> ring_;
  uint64_t number_ = 0;
};

// An event for a visitor drawn at random, while so many sessions are open; and the memory they take. The drawing and
// writing of the event counts too, and is the same for all.
void BM_OpenSessions(benchmark::State& state) {
  const auto sessions = static_cast<uint64_t>(state.range(0));
  Rules rules;
  rules.timeout.web = Days(365);
  rules.max_duration.web = Days(3650);
  Partition partition(PartitionId{0}, rules);
  CountingEffects effects;
  ManyVisitors visitors;
  std::mt19937_64 random(kSeed);
  std::array<std::string_view, kAnnouncedAhead> ahead;
  int64_t offset = 0;
  const auto apply = [&](uint64_t visitor) {
    std::string_view& place = ahead[static_cast<uint64_t>(offset) % ahead.size()];
    const std::string_view due = std::exchange(place, visitors.Next(visitor));
    partition.Announce({place, Offset{offset}, kAfterAllTime});
    if (!due.empty()) {
      const Offset before{offset - static_cast<int64_t>(ahead.size())};
      Check(partition.Apply({due, before, kAfterAllTime}, effects) == Outcome::kJoined, "it joins");
    }
    ++offset;
  };
  for (uint64_t visitor = 0; visitor < sessions; ++visitor) apply(visitor);
  while (state.KeepRunning()) apply(random() % sessions);
  const auto state_bytes = static_cast<double>(partition.state_bytes());
  const auto open = static_cast<double>(partition.open_sessions());
  partition.AdvanceWatermark(kAfterAllTime, effects);
  Check(effects.sessions + ahead.size() >= sessions, "the sessions are emitted");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.counters["bytes_per_session"] = state_bytes / open;
  state.counters["of_its_json"] =
      state_bytes / open * static_cast<double>(effects.sessions) / static_cast<double>(effects.bytes);
}
BENCHMARK(BM_OpenSessions)->Arg(10'000)->Iterations(kRandomEvents);

}  // namespace

// `--open_sessions=N`: also with so many.
void AddOpenSessions(const char* count) {
  benchmark::RegisterBenchmark("BM_OpenSessions", BM_OpenSessions)
      ->Arg(std::strtoll(count, nullptr, 10))
      ->Iterations(kRandomEvents);
}

void TakeOwnFlags(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    constexpr std::string_view kEvents = "--events=";
    constexpr std::string_view kOpenSessions = "--open_sessions=";
    if (flag.starts_with(kEvents)) {
      g_events = std::strtoull(argv[i] + kEvents.size(), nullptr, 10);
    } else if (flag.starts_with(kOpenSessions)) {
      AddOpenSessions(argv[i] + kOpenSessions.size());
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
}

}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::TakeOwnFlags(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}
