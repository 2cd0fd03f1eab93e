// Generated traffic: the same everywhere, of the promised sizes, and understood by the core as what it was meant to be.
#include "ingest/traffic_generator.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <set>
#include <string>

#include "core/partition.h"

namespace tidemark {
namespace {

class NoEffects : public Effects {
 public:
  void OnSession(const ClosedSession& session) override {
    ++sessions;
    events += session.events;
  }
  void OnLate(const LateEvent&) override {}
  void OnDeadLetter(const DeadLetter&) override {}

  uint64_t sessions = 0;
  uint64_t events = 0;
};

TrafficOptions Everything() {
  TrafficOptions options;
  options.mix = TrafficMix::kMixed;
  options.disorder = 0.05;
  options.late = 0.01;
  options.duplicates = 0.02;
  options.garbage = 0.01;
  return options;
}

uint64_t HashOf(const TrafficOptions& options, int events) {
  TrafficGenerator generator(options);
  uint64_t hash = 0;
  for (int i = 0; i < events; ++i) {
    const GeneratedEvent event = generator.Next();
    hash = XXH64(event.value.data(), event.value.size(), hash);
    hash = XXH64(event.key.data(), event.key.size(), hash);
  }
  return hash;
}

// The bytes are a promise: benchmarks and bug reports name seeds. Change these values only together with a note that
// says that the traffic has changed.
TEST(TrafficGenerator, SameSeedSameBytesOnEveryMachine) {
  EXPECT_EQ(HashOf({}, 5000), 8320439413756797955u);
  EXPECT_EQ(HashOf(Everything(), 5000), 8255313115271598581u);
}

TEST(TrafficGenerator, AnotherSeedIsOtherTraffic) {
  TrafficOptions other;
  other.seed = 2;
  EXPECT_NE(HashOf(other, 100), HashOf({}, 100));
}

double MeanSize(const TrafficOptions& options) {
  TrafficGenerator generator(options);
  size_t bytes = 0;
  constexpr int kEvents = 20'000;
  for (int i = 0; i < kEvents; ++i) bytes += generator.Next().value.size();
  return static_cast<double>(bytes) / kEvents;
}

TEST(TrafficGenerator, SizesAreAsPromised) {
  EXPECT_NEAR(MeanSize({}), 1750, 50);
  TrafficOptions small;
  small.small = true;
  EXPECT_NEAR(MeanSize(small), 300, 30);
}

TEST(TrafficGenerator, ARecordIsOneLine) {
  TrafficGenerator generator(Everything());
  for (int i = 0; i < 20'000; ++i) {
    const GeneratedEvent event = generator.Next();
    EXPECT_FALSE(event.value.empty());
    EXPECT_EQ(event.value.find('\n'), std::string_view::npos);
  }
}

// Without duplicates, which may come after their session's end, each event becomes what it was meant to be.
TEST(TrafficGenerator, TheCoreTakesEventsAsTheyWereMeant) {
  TrafficOptions options = Everything();
  options.duplicates = 0;
  TrafficGenerator generator(options);
  const Rules rules;
  Partition partition(PartitionId{0}, rules);
  NoEffects effects;
  for (int64_t i = 0; i < 50'000; ++i) {
    const GeneratedEvent event = generator.Next();
    const Outcome outcome = partition.Apply({event.value, Offset{i}, event.time}, effects);
    const Outcome meant = event.garbage ? Outcome::kDeadLetter : event.late ? Outcome::kLate : Outcome::kJoined;
    // Out of order by a few seconds may be just too late for a session that has an end.
    if (event.disordered && outcome == Outcome::kLate) continue;
    ASSERT_EQ(outcome, meant) << ToString(outcome) << ": " << event.value;
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);
  EXPECT_NEAR(static_cast<double>(effects.events) / static_cast<double>(effects.sessions), 10, 1.5);
}

TEST(TrafficGenerator, DuplicatesAreTheSameBytesAndMostlyJoinAsDuplicates) {
  TrafficOptions options;
  options.duplicates = 0.1;
  TrafficGenerator generator(options);
  const Rules rules;
  Partition partition(PartitionId{0}, rules);
  NoEffects effects;
  std::set<std::string, std::less<>> seen;
  uint64_t duplicates = 0;
  for (int64_t i = 0; i < 20'000; ++i) {
    const GeneratedEvent event = generator.Next();
    EXPECT_EQ(event.duplicate, seen.contains(event.value)) << event.value;
    seen.emplace(event.value);
    duplicates += event.duplicate;
    partition.Apply({event.value, Offset{i}, kAfterAllTime}, effects);
  }
  EXPECT_NEAR(static_cast<double>(duplicates), 2000, 200);
  const uint64_t taken = partition.counters().outcomes[static_cast<int>(Outcome::kDuplicate)];
  EXPECT_LE(taken, duplicates);
  EXPECT_GE(taken, duplicates * 95 / 100);
}

TEST(TrafficGenerator, EventsOfOneSessionHaveOneKey) {
  for (const TrafficMix mix : {TrafficMix::kWeb, TrafficMix::kApp, TrafficMix::kConversation}) {
    TrafficOptions options;
    options.mix = mix;
    TrafficGenerator generator(options);
    for (int i = 0; i < 1000; ++i) {
      const GeneratedEvent event = generator.Next();
      EXPECT_NE(event.value.find(event.key), std::string_view::npos);
    }
  }
}

TEST(TrafficGenerator, TimesAreTheCallersWhereItSaysSo) {
  TrafficGenerator generator(TrafficOptions{});
  EventTime now = generator.next_time() + Days(100);
  for (int i = 0; i < 1000; ++i, now = now + Milliseconds(7)) EXPECT_EQ(generator.Next(now).time, now);
}

TEST(TrafficGenerator, ItsOwnTimesRiseAndFitThePaceAskedFor) {
  TrafficOptions options;
  options.visitors = TrafficGenerator::VisitorsFor(20);
  TrafficGenerator generator(options);
  EventTime last = generator.next_time();
  constexpr int kEvents = 100'000;
  for (int i = 0; i < kEvents; ++i) {
    const EventTime due = generator.next_time();
    EXPECT_GE(due, last);
    EXPECT_EQ(generator.Next().time, due);
    last = due;
  }
  EXPECT_NEAR(kEvents * 1000.0 / static_cast<double>((last - options.start).ms), 20, 3);
}

}  // namespace
}  // namespace tidemark
