// Two properties of the engine on random streams: the order of arrival does not matter, and no record vanishes.
//
// The first is the property at the end of spec section 3: any reordering within max_out_of_orderness that keeps the
// order of equal times gives the same sessions. It is about streams without end events and caps. Two more things
// depend on the order by their nature and are kept out: a conversation_linger below the timeout (whether an event still
// finds the conversation open depends on how far others have moved the watermark), and an id that comes again with
// another time (the first to arrive is the one that counts). The counters of disorder differ, and so does an event's
// position where it stands in for an id. Failures print the seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/model/engine_run.h"
#include "tests/model/naive_event.h"
#include "tests/model/random_stream.h"

namespace tidemark::model {
namespace {

constexpr uint64_t kBaseSeed = 7'000'000;
constexpr uint64_t kStreams = 500;
constexpr int kShuffles = 3;

struct TimedLine {
  int64_t time;
  std::string line;
};

Rules WithoutCapsAndEnds(Rules rules) {
  rules.max_duration = {Days(365), Days(365), Days(365)};
  rules.end_events.clear();
  rules.conversation_linger = std::max(rules.conversation_linger, rules.timeout.conversation);
  rules.dedup_horizon = 1024;
  return rules;
}

// The stream's events by time, without dead letters and without ids that come again with another time.
std::vector<TimedLine> EventsInOrder(const RandomStream& stream) {
  std::vector<TimedLine> events;
  std::map<std::string, int64_t> time_of_id;
  for (const std::string& line : stream.lines) {
    const NaiveRecord record = ReadRecord(line, 0, stream.rules, stream.process_start);
    if (!record.event) continue;
    const auto& [id, time] = *time_of_id.emplace(record.event->id, record.event->time).first;
    if (id.empty() || time == record.event->time) events.push_back({record.event->time, line});
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const TimedLine& a, const TimedLine& b) { return a.time < b.time; });
  return events;
}

// Delays every time by up to max_out_of_orderness. Events of one time have one delay, so they keep their order.
std::vector<TimedLine> Shuffled(Random& random, std::vector<TimedLine> events, Duration max_out_of_orderness) {
  std::map<int64_t, int64_t> arrival;
  for (const TimedLine& event : events) {
    arrival.emplace(event.time, event.time + random.Between(0, max_out_of_orderness.ms));
  }
  std::stable_sort(events.begin(), events.end(),
                   [&](const TimedLine& a, const TimedLine& b) { return arrival.at(a.time) < arrival.at(b.time); });
  return events;
}

// The sessions, sorted, without what may depend on the order of arrival.
std::vector<std::string> Sessions(const std::vector<TimedLine>& events, const Rules& rules) {
  std::vector<std::string> lines;
  for (const TimedLine& event : events) lines.push_back(event.line);
  std::vector<std::string> sessions;
  for (nlohmann::json envelope : RunEngine(lines, rules, kAfterAllTime).envelopes) {
    envelope.erase("outOfOrderEvents");
    nlohmann::json& last_id = envelope["session"]["lastEvent"]["id"];
    if (last_id.get<std::string>().starts_with("0:")) last_id = "its position";
    sessions.push_back(envelope.dump());
  }
  std::sort(sessions.begin(), sessions.end());
  return sessions;
}

TEST(ReorderTest, ReorderingWithinTheAllowanceGivesTheSameSessions) {
  for (uint64_t seed = kBaseSeed; seed < kBaseSeed + kStreams && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const RandomStream stream = MakeRandomStream(seed);
    const Rules rules = WithoutCapsAndEnds(stream.rules);
    const std::vector<TimedLine> events = EventsInOrder(stream);
    const std::vector<std::string> expected = Sessions(events, rules);
    for (int i = 0; i < kShuffles; ++i) {
      EXPECT_EQ(Sessions(Shuffled(random, events, rules.max_out_of_orderness), rules), expected);
    }
  }
}

TEST(ReorderTest, EveryRecordIsInExactlyOneCount) {
  for (uint64_t seed = kBaseSeed; seed < kBaseSeed + kStreams; ++seed) {
    const RandomStream stream = MakeRandomStream(seed);
    const EngineRun run = RunEngine(stream.lines, stream.rules, stream.process_start);
    ASSERT_TRUE(run.EveryRecordInOneCount(stream.lines.size())) << "seed " << seed;
  }
}

// The bold sentence of spec section 3: what a session is called by.
TEST(ReorderTest, IdTypeAndCreatedDateNameOneSession) {
  size_t sessions = 0;
  for (uint64_t seed = kBaseSeed; seed < kBaseSeed + kStreams; ++seed) {
    const RandomStream stream = MakeRandomStream(seed);
    std::set<std::tuple<std::string, std::string, std::string>> seen;
    for (const auto& envelope : RunEngine(stream.lines, stream.rules, stream.process_start).envelopes) {
      const auto& session = envelope.at("session");
      const auto [place, is_new] = seen.emplace(session.at("id"), session.at("type"), session.at("createdDate"));
      EXPECT_TRUE(is_new) << "seed " << seed << ": " << session.dump();
      ++sessions;
    }
  }
  EXPECT_GT(sessions, kStreams);
}

}  // namespace
}  // namespace tidemark::model
