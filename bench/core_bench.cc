// What do parsing, applying and emitting cost, as a share of what simdjson needs for the same bytes?
//
// The yardstick is a bare simdjson On-Demand pass: one iteration over each document's top-level fields to the end, each
// of the scalars read. Every measurement alternates with it in the same iteration, so that both see the same machine;
// `of_simdjson` is the median of (yardstick time / own time), 1 meaning as fast as the yardstick. Each pass checks its
// result before its time counts.
//
// The yardstick neither checks nor reads what it skips, most of an event. What simdjson needs for these two is measured
// against it, too: its DOM parser checks all of a document, and On-Demand can be asked for every value.
//
// One core, from memory:
//
//   taskset -c 0 build/release/bench/core_bench [--events=N] [--small] [--conversations]
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/counting_effects.h"
#include "bench/traffic.h"
#include "core/document.h"
#include "core/event.h"
#include "core/partition.h"
#include "core/session_json.h"

namespace tidemark::bench {
namespace {

constexpr uint32_t kVisitors = 3000;
uint64_t g_events = 100'000;  // --events
TrafficOptions g_options;     // --small, --conversations

const Traffic& Events() {
  static const Traffic kTraffic = MakeTraffic(g_events, g_options);
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

// The top-level strings of all events that are not empty.
uint64_t CountStrings(const Traffic& traffic) {
  Document document;
  uint64_t strings = 0;
  for (const std::string_view event : traffic.events) {
    Check(document.Parse(event) == Document::Fault::kNone, "every event is JSON");
    document.ForEachMember(Document::root(), [&](std::string_view, Node value) {
      strings += document.String(value).value_or("").empty() ? 0 : 1;
    });
  }
  return strings;
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
  static const uint64_t kStrings = CountStrings(traffic);
  Check(strings == kStrings && strings > 0, "bare simdjson reads every string of the envelopes");
}

// The top-level members of all events.
uint64_t CountMembers(const Traffic& traffic) {
  Document document;
  uint64_t members = 0;
  for (const std::string_view event : traffic.events) {
    Check(document.Parse(event) == Document::Fault::kNone, "every event is JSON");
    document.ForEachMember(Document::root(), [&](std::string_view, Node) { ++members; });
  }
  return members;
}

// Documents parsed in full by simdjson: all of the syntax checked, all values on its tape.
void SimdjsonDom(const Traffic& traffic) {
  static simdjson::dom::parser parser;
  uint64_t members = 0;
  for (const std::string_view event : traffic.events) {
    simdjson::dom::object object;
    constexpr bool kCopyIfUnpadded = false;
    Check(parser.parse(event.data(), event.size(), kCopyIfUnpadded).get(object) == simdjson::SUCCESS, "DOM");
    members += object.size();
  }
  static const uint64_t kMembers = CountMembers(traffic);
  Check(members == kMembers && members > 0, "simdjson's DOM has the members of all events");
}

// How many values there are, and the bytes of the strings among them.
struct Values {
  uint64_t count = 0;
  uint64_t text_bytes = 0;

  void AddText(std::string_view text) {
    ++count;
    text_bytes += text.size();
  }
  bool operator==(const Values&) const = default;
};

void ReadEvery(simdjson::ondemand::value value, Values& values) {
  const auto must = [](simdjson::error_code error) { Check(error == simdjson::SUCCESS, "every value can be read"); };
  simdjson::ondemand::json_type type;
  must(value.type().get(type));
  switch (type) {
    case simdjson::ondemand::json_type::object: {
      simdjson::ondemand::object object;
      must(value.get_object().get(object));
      for (auto field : object) {
        simdjson::ondemand::raw_json_string key;
        must(field.key().get(key));
        simdjson::ondemand::value member;
        must(field.value().get(member));
        ReadEvery(member, values);
      }
      return;
    }
    case simdjson::ondemand::json_type::array: {
      simdjson::ondemand::array array;
      must(value.get_array().get(array));
      for (auto element : array) {
        simdjson::ondemand::value one;
        must(element.get(one));
        ReadEvery(one, values);
      }
      return;
    }
    case simdjson::ondemand::json_type::string: {
      std::string_view text;
      must(value.get_string().get(text));
      return values.AddText(text);
    }
    case simdjson::ondemand::json_type::number: {
      simdjson::ondemand::number number;
      must(value.get_number().get(number));
      break;
    }
    case simdjson::ondemand::json_type::boolean: {
      bool flag;
      must(value.get_bool().get(flag));
      break;
    }
    case simdjson::ondemand::json_type::null:
      Check(value.is_null(), "null");
      break;
  }
  ++values.count;
}

// The same, read from our own documents.
void CountEvery(const Document& document, Node value, Values& values) {
  if (document.IsObject(value)) {
    document.ForEachMember(value, [&](std::string_view, Node member) { CountEvery(document, member, values); });
  } else if (document.IsArray(value)) {
    document.ForEachElement(value, [&](Node element) { CountEvery(document, element, values); });
  } else if (const auto text = document.String(value)) {
    values.AddText(*text);
  } else {
    ++values.count;
  }
}

Values CountEvery(const Traffic& traffic) {
  Document document;
  Values values;
  for (const std::string_view event : traffic.events) {
    Check(document.Parse(event) == Document::Fault::kNone, "every event is JSON");
    CountEvery(document, Document::root(), values);
  }
  return values;
}

// Every value of a document read by simdjson, and nothing done with it.
void SimdjsonEveryValue(const Traffic& traffic) {
  static simdjson::ondemand::parser parser;
  Values values;
  for (const std::string_view event : traffic.events) {
    const auto room = static_cast<size_t>(traffic.bytes.data() + traffic.bytes.size() - event.data());
    simdjson::ondemand::document document;
    Check(parser.iterate(event.data(), event.size(), room).get(document) == simdjson::SUCCESS, "iterate");
    simdjson::ondemand::value root;
    Check(document.get_value().get(root) == simdjson::SUCCESS, "value");
    ReadEvery(root, values);
  }
  static const Values kValues = CountEvery(traffic);
  Check(values == kValues && values.count > 0, "simdjson reads every value");
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
  static const CountingEffects kFirst = effects;
  Check(effects.sessions > 0 && effects == kFirst, "the same sessions are emitted each time");
}

// A bare pass and a pass of our own, in turn.
void Measure(benchmark::State& state, void (*pass)(const Traffic&)) {
  const Traffic& traffic = Events();
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
void BM_SimdjsonDom(benchmark::State& state) { Measure(state, SimdjsonDom); }
void BM_SimdjsonEveryValue(benchmark::State& state) { Measure(state, SimdjsonEveryValue); }
void BM_CheckDocument(benchmark::State& state) { Measure(state, CheckDocuments); }
void BM_ParseEvent(benchmark::State& state) { Measure(state, ParseEvents); }
void BM_WholeEngine(benchmark::State& state) { Measure(state, WholeEngine); }

BENCHMARK(BM_BareSimdjson)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SimdjsonDom)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SimdjsonEveryValue)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CheckDocument)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ParseEvent)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_WholeEngine)->UseManualTime()->Unit(benchmark::kMillisecond);

// Emission by itself: one session of ten events, written again and again.
void BM_EmitSession(benchmark::State& state) {
  const Rules rules;
  CommonValues common;
  MakeSession(Events(), rules, 10, common);
  const Session session = MakeSession(Events(), rules, 10, common);
  Check(session.events > 0, "a session");
  SessionWriter writer(rules);
  while (state.KeepRunning()) {
    writer.Write(session);
    benchmark::DoNotOptimize(writer.json().data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * writer.json().size()));
}
BENCHMARK(BM_EmitSession);

// A snapshot of all sessions that are open at the end of the traffic, again and again.
void BM_Snapshot(benchmark::State& state) {
  constexpr size_t kPieceBytes = size_t{256} << 10;
  const Rules rules;
  Partition partition(PartitionId{0}, rules);
  CountingEffects effects;
  int64_t offset = 0;
  for (const std::string_view event : Events().events)
    partition.Apply({event, Offset{offset++}, kAfterAllTime}, effects);
  uint64_t bytes = 0;
  std::string piece;
  const auto take_snapshot = [&](auto&& take) {
    partition.BeginSnapshot();
    bool more = true;
    while (more) {
      more = partition.NextSnapshotPiece(kPieceBytes, piece);
      take();
    }
  };
  Partition restored(PartitionId{0}, rules);
  take_snapshot([&] { Check(restored.RestoreSessions(piece), "a snapshot can be read"); });
  Check(restored.FinishRestore(rules, partition.watermark()), "a snapshot is complete");
  Check(partition.open_sessions() > 0 && restored.digest() == partition.digest(), "a snapshot has all sessions");
  while (state.KeepRunning()) take_snapshot([&] { bytes += piece.size(); });
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_Snapshot);

}  // namespace

void TakeOwnFlags(int& argc, char** argv) {
  g_options.visitors = kVisitors;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    constexpr std::string_view kEvents = "--events=";
    if (flag.starts_with(kEvents)) {
      g_events = std::strtoull(argv[i] + kEvents.size(), nullptr, 10);
    } else if (flag == "--small") {
      g_options.small = true;
    } else if (flag == "--conversations") {
      g_options.mix = TrafficMix::kConversation;
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
