#include "tests/model/engine_run.h"

#include <algorithm>
#include <numeric>

namespace tidemark::model {
namespace {

class CollectingEffects : public Effects {
 public:
  explicit CollectingEffects(EngineRun* run) : run_(*run) {}

  void OnSession(const ClosedSession& session) override {
    run_.envelopes.push_back({{"closeReason", std::string(ToString(session.reason))},
                              {"duplicateEvents", session.duplicate_events},
                              {"outOfOrderEvents", session.out_of_order_events},
                              {"session", nlohmann::json::parse(session.json)}});
    run_.sources.emplace_back(session.first_offset.value, session.last_offset.value);
  }
  void OnLate(const LateEvent& late) override { run_.late.push_back(late.record.offset.value); }
  void OnDeadLetter(const DeadLetter& dead) override {
    run_.dead_letters.emplace_back(dead.record.offset.value, std::string(ToString(dead.reason)));
  }

 private:
  EngineRun& run_;
};

template <typename Counts>
uint64_t Sum(const Counts& counts) {
  return std::accumulate(std::begin(counts), std::end(counts), uint64_t{0});
}

}  // namespace

bool EngineRun::EveryRecordInOneCount(uint64_t records) const {
  for (int o = 0; o < kOutcomeCount; ++o) {
    const auto returned = std::count(outcomes.begin(), outcomes.end(), static_cast<Outcome>(o));
    if (counters.outcomes[o] != static_cast<uint64_t>(returned)) return false;
  }
  uint64_t joined = 0;
  uint64_t duplicates = 0;
  for (const nlohmann::json& envelope : envelopes) {
    joined += envelope["session"]["eventCount"].get<uint64_t>();
    duplicates += envelope["duplicateEvents"].get<uint64_t>();
  }
  const auto counted = [this](Outcome outcome) { return counters.outcomes[static_cast<size_t>(outcome)]; };
  return counters.records == records && Sum(counters.outcomes) == records && counted(Outcome::kJoined) == joined &&
         counted(Outcome::kDuplicate) == duplicates && counted(Outcome::kLate) == late.size() &&
         Sum(counters.late) == late.size() && counted(Outcome::kDeadLetter) == dead_letters.size() &&
         Sum(counters.dead_letters) == dead_letters.size() && sessions_left == 0;
}

EngineRun RunEngine(const std::vector<std::string>& lines, const Rules& rules, EventTime process_start) {
  EngineRun run;
  CollectingEffects effects(&run);
  Partition partition(PartitionId{0}, rules);
  const auto record = [&](size_t i) { return Record{lines[i], Offset{static_cast<int64_t>(i)}, process_start}; };
  size_t announced = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    for (; announced < lines.size() && announced < i + kAnnouncedAhead; ++announced)
      partition.Announce(record(announced));
    run.outcomes.push_back(partition.Apply(record(i), effects));
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);
  run.counters = partition.counters();
  run.sessions_left = partition.open_sessions();
  return run;
}

}  // namespace tidemark::model
