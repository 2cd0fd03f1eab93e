// The engine against the naive model on random streams. TIDEMARK_STREAMS sets how many, TIDEMARK_SEED runs one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/partition.h"
#include "tests/core/recording_effects.h"
#include "tests/property/naive_model.h"
#include "tests/property/random_stream.h"

namespace tidemark {
namespace {

using nlohmann::json;

const EventTime kProcessStart{kStreamStart + 40'000'000};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string Describe(const json& expected, const json& actual) {
  for (const auto& [field, value] : expected.items()) {
    if (!actual.contains(field)) return field + " is missing, expected " + value.dump();
    if (actual[field] != value) return field + ": expected " + value.dump() + ", got " + actual[field].dump();
  }
  for (const auto& [field, value] : actual.items()) {
    if (!expected.contains(field)) return field + " should not be there: " + value.dump();
  }
  return "nothing differs";
}

// Both in the order of closing.
void ExpectSameSessions(const std::vector<json>& expected, const std::vector<json>& actual) {
  for (size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    if (expected[i] == actual[i]) continue;
    FAIL() << "session " << i << " " << Describe(expected[i], actual[i]) << "\n"
           << Describe(expected[i]["session"], actual[i]["session"]);
  }
  EXPECT_EQ(expected.size(), actual.size());
}

void Compare(uint64_t seed) {
  const RandomStream stream = MakeRandomStream(seed, {});
  const NaiveResult expected = NaiveReplay(stream.lines, stream.rules, kProcessStart);
  Partition partition(PartitionId{0}, stream.rules);
  RecordingEffects effects;
  for (size_t i = 0; i < stream.lines.size(); ++i) {
    // A copy of exactly the line's size: the sanitizer sees what is read outside of it.
    const std::vector<char> bytes(stream.lines[i].begin(), stream.lines[i].end());
    partition.Apply({{bytes.data(), bytes.size()}, Offset{static_cast<int64_t>(i)}, kProcessStart}, effects);
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);

  std::vector<json> actual;
  for (const RecordedSession& session : effects.sessions) actual.push_back(json::parse(session.Envelope()));
  EXPECT_EQ(effects.dead_letters, expected.dead_letters);
  EXPECT_EQ(effects.late, expected.late);
  ExpectSameSessions(expected.envelopes, actual);
  const PartitionCounters& counters = partition.counters();
  EXPECT_EQ(counters.outcomes[static_cast<size_t>(Outcome::kDuplicate)], expected.duplicates);
  uint64_t outcomes = 0;
  for (const uint64_t count : counters.outcomes) outcomes += count;
  EXPECT_EQ(outcomes, stream.lines.size());
  EXPECT_EQ(partition.open_sessions(), 0u);
  EXPECT_EQ(partition.tombstones(), 0u);
}

TEST(DifferentialTest, TheEngineAgreesWithTheNaiveModel) {
  const uint64_t first = FromEnvironment("TIDEMARK_SEED", 1);
  const uint64_t count = std::getenv("TIDEMARK_SEED") != nullptr ? 1 : FromEnvironment("TIDEMARK_STREAMS", 2'000);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed));
    Compare(seed);
    if (testing::Test::HasFailure()) return;
  }
}

// For the streams to mean something, all that can happen must happen in them.
TEST(DifferentialTest, TheStreamsReachEveryOutcome) {
  PartitionCounters sum;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const RandomStream stream = MakeRandomStream(seed, {});
    Partition partition(PartitionId{0}, stream.rules);
    RecordingEffects effects;
    for (size_t i = 0; i < stream.lines.size(); ++i) {
      partition.Apply({stream.lines[i], Offset{static_cast<int64_t>(i)}, kProcessStart}, effects);
    }
    partition.AdvanceWatermark(kAfterAllTime, effects);
    const PartitionCounters& counters = partition.counters();
    sum.sessions_merged += counters.sessions_merged;
    sum.out_of_order += counters.out_of_order;
    for (int i = 0; i < kOutcomeCount; ++i) sum.outcomes[i] += counters.outcomes[i];
    for (int i = 0; i < kLateReasonCount; ++i) sum.late[i] += counters.late[i];
    for (int i = 0; i < kDeadLetterReasonCount; ++i) sum.dead_letters[i] += counters.dead_letters[i];
    for (int type = 0; type < kTypeRulesCount; ++type) {
      for (int i = 0; i < kCloseReasonCount; ++i) sum.sessions_closed[0][i] += counters.sessions_closed[type][i];
    }
  }
  EXPECT_GT(sum.sessions_merged, 20u);
  EXPECT_GT(sum.out_of_order, 500u);
  for (const uint64_t count : sum.outcomes) EXPECT_GT(count, 100u);
  for (const uint64_t count : sum.late) EXPECT_GT(count, 5u);
  for (const uint64_t count : sum.sessions_closed[0]) EXPECT_GT(count, 5u);
  for (int i = 0; i < kDeadLetterReasonCount; ++i) {
    if (static_cast<DeadLetterReason>(i) == DeadLetterReason::kTooLarge) continue;  // partition_test.cc
    EXPECT_GT(sum.dead_letters[i], 5u) << ToString(static_cast<DeadLetterReason>(i));
  }
}

}  // namespace
}  // namespace tidemark
