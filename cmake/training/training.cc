// What core/ is trained with: traffic of every kind through a partition, which moves to another one on the way.
//
// No clock, thread or file: the same compiler makes the same profile of it, and from that the same code.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "core/partition.h"
#include "ingest/traffic_generator.h"

namespace tidemark {
namespace {

class CountingEffects : public Effects {
 public:
  void OnSession(const ClosedSession& session) override { events += session.events + session.duplicate_events; }
  void OnLate(const LateEvent&) override { ++events; }
  void OnDeadLetter(const DeadLetter&) override { ++events; }

  uint64_t events = 0;
};

struct StoredEvent {
  std::string value;
  EventTime time;
};

void Apply(TrafficGenerator& generator, size_t count, Partition& partition, Effects& effects) {
  std::deque<StoredEvent> events;
  for (size_t i = 0; i < count; ++i) {
    const GeneratedEvent event = generator.Next();
    events.push_back({std::string(event.value), event.time});
  }
  const auto record_at = [&](size_t i) {
    return Record{events[i].value, Offset{static_cast<int64_t>(i)}, events[i].time};
  };
  ApplyAll(count, record_at, partition, effects);
}

bool Move(Partition& from, Partition& to) {
  std::string piece;
  from.BeginSnapshot();
  for (bool more = true; more;) {
    more = from.NextSnapshotPiece(size_t{64} << 10, piece);
    if (!to.RestoreSessions(piece)) return false;
  }
  return to.FinishRestore(from.rules(), from.watermark()) && to.digest() == from.digest();
}

// Whether every event came out again.
bool Train(TrafficMix mix, bool small, size_t count) {
  TrafficOptions options;
  options.seed = 2;  // not the benchmarks'
  options.mix = mix;
  options.small = small;
  options.disorder = 0.01;
  options.late = 0.001;
  options.duplicates = 0.001;
  options.garbage = 0.001;
  TrafficGenerator generator(options);
  CountingEffects effects;
  const Rules rules;
  Partition before(PartitionId{0}, rules);
  Partition after(PartitionId{0}, rules);
  Apply(generator, count / 2, before, effects);
  if (!Move(before, after)) return false;
  Apply(generator, count / 2, after, effects);
  after.AdvanceWatermark(kAfterAllTime, effects);
  return effects.events == count;
}

}  // namespace
}  // namespace tidemark

int main() {
  using tidemark::TrafficMix;
  const bool good =
      tidemark::Train(TrafficMix::kWeb, false, 40'000) && tidemark::Train(TrafficMix::kWeb, true, 20'000) &&
      tidemark::Train(TrafficMix::kApp, false, 10'000) && tidemark::Train(TrafficMix::kConversation, false, 20'000);
  if (!good) std::fprintf(stderr, "training: not every event came out again\n");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
