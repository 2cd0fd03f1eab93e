// The load whose instructions `bench/run.sh --guard` counts: runs one stage over generated web events, inside a
// function that callgrind is told to count and nothing else is.
//
//   valgrind --tool=callgrind --collect-atstart=no --toggle-collect=guard_engine guard_load engine 5000
//
// Prints how many events (of `emit`: sessions) the count is to be divided by, and how many sessions were emitted.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bench/counting_effects.h"
#include "bench/traffic.h"
#include "core/event.h"
#include "core/partition.h"
#include "core/session.h"
#include "core/session_json.h"

namespace tidemark::bench {
namespace {

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "guard_load: %s\n", what);
  std::exit(EXIT_FAILURE);
}

uint64_t TimedOut(const PartitionCounters& counters) {
  uint64_t sessions = 0;
  for (const auto& of_type : counters.sessions_closed)
    sessions += of_type[static_cast<size_t>(CloseReason::kInactivity)];
  return sessions;
}

}  // namespace

// Called by their names, so neither inlined nor cloned.
extern "C" {
[[gnu::noipa]] uint64_t guard_parse(EventParser& parser, const Traffic& traffic) {
  uint64_t good = 0;
  for (const std::string_view event : traffic.events) {
    good += parser.Parse({event, Offset{0}, kAfterAllTime}) == nullptr ? 1 : 0;
  }
  return good;
}

[[gnu::noipa]] void guard_engine(Partition& partition, const Traffic& traffic, CountingEffects& effects) {
  const auto record = [&traffic](size_t i) {
    return Record{traffic.events[i], Offset{static_cast<int64_t>(i)}, kAfterAllTime};
  };
  ApplyAll(traffic.events.size(), record, partition, effects);
  partition.AdvanceWatermark(kAfterAllTime, effects);
}

[[gnu::noipa]] void guard_emit(SessionWriter& writer, const Session& session, uint64_t times) {
  for (uint64_t i = 0; i < times; ++i) writer.Write(session);
}
}

namespace {

struct Units {
  uint64_t of_count = 0;  // events, of `emit` sessions
  uint64_t sessions = 0;
};

Units Parse(const Traffic& traffic) {
  const Rules rules;
  EventParser parser(rules);
  if (guard_parse(parser, traffic) != traffic.events.size()) Fail("not every record is an event");
  return {traffic.events.size(), 0};
}

Units Engine(const Traffic& traffic) {
  Partition partition(PartitionId{0}, Rules{});
  CountingEffects effects;
  guard_engine(partition, traffic, effects);
  if (effects.events != traffic.events.size() || effects.others != 0) Fail("not every event is in a session");
  const uint64_t timed_out = TimedOut(partition.counters());
  if (timed_out * 2 < effects.sessions) Fail("hardly a session timed out: take more events");
  return {traffic.events.size(), effects.sessions};
}

// One session of ten events, again and again.
Units Emit(const Traffic& traffic) {
  constexpr size_t kEvents = 10;
  constexpr uint64_t kTimes = 200;
  const Rules rules;
  CommonValues common;
  MakeSession(traffic, rules, kEvents, common);
  const Session session = MakeSession(traffic, rules, kEvents, common);
  if (session.events != kEvents) Fail("not every record is an event");
  SessionWriter writer(rules);
  guard_emit(writer, session, kTimes);
  if (writer.json().size() < 300) Fail("no session was written");
  return {kTimes, kTimes};
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  using namespace tidemark::bench;  // NOLINT(google-build-using-namespace): this is their program
  const uint64_t events = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (events < 100) Fail("usage: guard_load parse|engine|emit EVENTS");
  tidemark::TrafficOptions options;
  options.visitors = 300;  // few, so that the events are of hours: sessions time out among them
  const Traffic traffic = MakeTraffic(events, options);
  const std::string stage = argv[1];
  const Units units = stage == "parse"    ? Parse(traffic)
                      : stage == "engine" ? Engine(traffic)
                      : stage == "emit"   ? Emit(traffic)
                                          : Units{};
  if (units.of_count == 0) Fail("usage: guard_load parse|engine|emit EVENTS");
  std::printf("%llu %llu\n", static_cast<unsigned long long>(units.of_count),
              static_cast<unsigned long long>(units.sessions));
}
