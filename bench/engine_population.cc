// `engine_bench population` and `engine_bench memory`: what open sessions cost, in time and in memory.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>

#include "bench/counting_effects.h"
#include "bench/engine_bench.h"
#include "ingest/traffic_generator.h"

namespace tidemark::bench {
namespace {

constexpr uint64_t kBatchEvents = 20'000;

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// A population and the partitions that it is sent to.
class Subject {
 public:
  explicit Subject(const PopulationOptions& options) : population_(options) {
    for (uint32_t i = 0; i < options.partitions; ++i) {
      partitions_.emplace_back(PartitionId{static_cast<int32_t>(i)}, Rules{});
    }
    resident_before_ = ResidentBytes();
    Take(population_.events_until_steady());
    resident_ = ResidentBytes();
  }

  // Nanoseconds per event; making the events does not count.
  double Take(uint64_t events) {
    const uint64_t before = taken();
    std::chrono::nanoseconds spent{0};
    for (uint64_t left = events; left > 0;) {
      const uint64_t count = std::min(left, kBatchEvents);
      population_.Next(count, batch_);
      const auto begin = std::chrono::steady_clock::now();
      Apply();
      spent += std::chrono::steady_clock::now() - begin;
      left -= count;
    }
    Require(taken() == before + events && effects_.others == 0, "every event is in a session");
    bytes_ = batch_.bytes.size() / std::max<size_t>(1, batch_.events.size());
    return static_cast<double>(spent.count()) / static_cast<double>(events);
  }

  uint64_t open_sessions() const {
    uint64_t open = 0;
    for (const Partition& partition : partitions_) open += partition.open_sessions();
    return open;
  }
  uint64_t event_bytes() const { return bytes_; }
  uint64_t closed() const { return effects_.sessions; }
  uint64_t taken() const {
    uint64_t joined = 0;
    for (const Partition& partition : partitions_) {
      joined += partition.counters().outcomes[static_cast<int>(Outcome::kJoined)];
    }
    return joined;
  }
  uint64_t resident_bytes() const { return resident_ - resident_before_; }

 private:
  // A partition's events after the other's, as a shard takes them.
  void Apply() {
    const std::vector<PopulationBatch::Event>& events = batch_.events;
    for (size_t begin = 0; begin < events.size();) {
      size_t end = begin;
      while (end < events.size() && events[end].partition == events[begin].partition) ++end;
      const auto record = [&](size_t i) {
        return Record{batch_.Value(events[begin + i]), Offset{offset_ + static_cast<int64_t>(i)}, kAfterAllTime};
      };
      ApplyAll(end - begin, record, partitions_[events[begin].partition], effects_);
      offset_ += static_cast<int64_t>(end - begin);
      begin = end;
    }
  }

  Population population_;
  std::vector<Partition> partitions_;
  PopulationBatch batch_;
  CountingEffects effects_;
  int64_t offset_ = 0;
  uint64_t bytes_ = 0;
  uint64_t resident_before_ = 0, resident_ = 0;
};

}  // namespace

void RunPopulation(const PopulationArguments& arguments) {
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const uint64_t open : arguments.open) {
    PopulationOptions options = arguments.options;
    options.open_sessions = open;
    subjects.push_back(std::make_unique<Subject>(options));
  }
  std::vector<std::vector<double>> times(subjects.size());
  for (int i = 0; i < arguments.repeat; ++i) {
    for (size_t s = 0; s < subjects.size(); ++s) times[s].push_back(subjects[s]->Take(arguments.events));
  }
  std::vector<std::string> each;
  for (size_t s = 0; s < subjects.size(); ++s) {
    const Subject& subject = *subjects[s];
    Require(subject.open_sessions() > arguments.open[s] * 8 / 10, "as many sessions are open as were asked for");
    Require(subject.closed() > 0, "sessions close");
    each.push_back(
        fmt::format(R"({{"open_sessions":{},"sessions_closed":{},"events":{},"event_bytes":{},"resident_bytes":{},)"
                    R"("ns_per_event":[{:.1f}]}})",
                    subject.open_sessions(), subject.closed(), subject.taken(), subject.event_bytes(),
                    subject.resident_bytes(), fmt::join(times[s], ",")));
  }
  fmt::print("[{}]\n", fmt::join(each, ","));
}

// Ordinary traffic, until as many sessions are open as there ever will be: its visitors come every 62.5 minutes, and
// their sessions are open for 25 of them.
void RunMemory(uint64_t sessions, uint64_t seed) {
  constexpr uint64_t kVisitorsPerTenSessions = 25;
  constexpr Duration kUntilSteady = Minutes(63);
  TrafficOptions options;
  options.seed = seed;
  options.visitors = static_cast<uint32_t>(sessions * kVisitorsPerTenSessions / 10);
  TrafficGenerator generator(options);
  Partition partition(PartitionId{0}, Rules{});
  CountingEffects effects;
  const uint64_t before = ResidentBytes();
  uint64_t events = 0;
  while (generator.next_time() < options.start + kUntilSteady) {
    partition.Apply({generator.Next().value, Offset{static_cast<int64_t>(events++)}, kAfterAllTime}, effects);
  }
  const uint64_t resident = ResidentBytes() - before;
  const uint64_t open = partition.open_sessions(), held = partition.state_bytes();
  const CountingEffects at_steady = effects;
  partition.AdvanceWatermark(kAfterAllTime, effects);
  Require(effects.sessions - at_steady.sessions == open && open > sessions * 8 / 10, "the open sessions close");
  Require(effects.events == events && effects.others == 0, "every event is in a session");
  fmt::print(R"({{"events":{},"open_sessions":{},"resident_bytes":{},"state_bytes":{},"json_bytes":{}}})"
             "\n",
             events, open, resident, held, effects.bytes - at_steady.bytes);
}

}  // namespace tidemark::bench
