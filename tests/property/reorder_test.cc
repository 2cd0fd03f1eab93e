// The property at the end of spec section 3: for any reordering within max_out_of_orderness that keeps the order of
// equal times, and without end events, caps and idle advances, the same events give the same sessions.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/partition.h"
#include "tests/core/recording_effects.h"

namespace tidemark {
namespace {

using nlohmann::json;

struct TimedEvent {
  int64_t time;
  std::string line;
};

std::vector<TimedEvent> MakeEvents(std::mt19937_64& random) {
  std::vector<TimedEvent> events;
  int64_t now = 1'763'980'200'000;
  for (int i = 0; i < 150; ++i) {
    now += static_cast<int64_t>(random() % 4 == 0 ? random() % 1'500'000 : random() % 3 * 1000);
    const std::string value = std::to_string(random() % 5);
    json event{{"id", "event-" + std::to_string(i)},
               {"customerId", "v" + std::to_string(random() % 2)},
               {"createdDate", now},
               {"webEvent", {{"eventName", random() % 2 == 0 ? "page_viewed" : "x"}, {"searchQuery", value}}}};
    json& payload = event["webEvent"];
    if (random() % 2 == 0) payload["attributes"]["a" + value] = {{"dataType", "t"}, {"value", std::to_string(i)}};
    if (random() % 2 == 0) payload["page"] = {{"url", std::to_string(i)}};
    if (random() % 2 == 0) payload["referrer"] = {{"url", std::to_string(i)}};
    if (random() % 9 == 0) payload["authenticated"] = true;
    events.push_back({now, event.dump()});
  }
  return events;
}

// Each event may move behind those that are up to `disorder_ms` newer; equal times stay together.
std::vector<TimedEvent> Reorder(const std::vector<TimedEvent>& events, int64_t disorder_ms, std::mt19937_64& random) {
  std::map<int64_t, int64_t> place;
  for (const TimedEvent& event : events) {
    const auto delay = static_cast<int64_t>(random() % static_cast<uint64_t>(disorder_ms + 1));
    place.try_emplace(event.time, event.time + delay);
  }
  std::vector<TimedEvent> reordered = events;
  std::stable_sort(reordered.begin(), reordered.end(),
                   [&](const TimedEvent& a, const TimedEvent& b) { return place[a.time] < place[b.time]; });
  return reordered;
}

std::vector<std::string> SessionsOf(const std::vector<TimedEvent>& events, const Rules& rules) {
  Partition partition(PartitionId{0}, rules);
  RecordingEffects effects;
  int64_t offset = 0;
  for (const TimedEvent& event : events) partition.Apply({event.line, Offset{offset++}, kAfterAllTime}, effects);
  partition.AdvanceWatermark(kAfterAllTime, effects);
  EXPECT_TRUE(effects.late.empty());
  std::vector<std::string> sessions;
  for (const RecordedSession& session : effects.sessions) sessions.push_back(session.json);
  std::sort(sessions.begin(), sessions.end());
  return sessions;
}

TEST(ReorderTest, AReorderingWithinTheBoundChangesNothing) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Rules rules;
    rules.max_out_of_orderness = Seconds(static_cast<int64_t>(random() % 3'000));
    rules.max_duration.web = Days(365);
    const std::vector<TimedEvent> events = MakeEvents(random);
    const std::vector<TimedEvent> reordered = Reorder(events, rules.max_out_of_orderness.ms, random);
    ASSERT_EQ(SessionsOf(events, rules), SessionsOf(reordered, rules));
  }
}

}  // namespace
}  // namespace tidemark
