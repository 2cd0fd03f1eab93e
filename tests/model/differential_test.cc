// The engine against the naive model on random streams: the same sessions, the same late events, the same dead letters.
//
// Each stream has its own seed, which a failure prints together with the fewest lines of the stream that still differ.
// TIDEMARK_SEED=n runs that one stream, TIDEMARK_STREAMS=n says how many to run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/model/engine_run.h"
#include "tests/model/naive_model.h"
#include "tests/model/random_stream.h"

namespace tidemark::model {
namespace {

using nlohmann::json;

constexpr int kFailuresShown = 5;

// A difference is a text for people; empty: none.
std::string ValueDifference(const json& model, const json& engine, const std::string& path) {
  if (model == engine) return "";
  const bool both_objects = model.is_object() && engine.is_object();
  if (!both_objects) return path + ": model " + model.dump() + ", engine " + engine.dump();
  for (const auto& [key, value] : model.items()) {
    if (!engine.contains(key)) return path + "." + key + ": model " + value.dump() + ", engine has none";
    const std::string difference = ValueDifference(value, engine[key], path + "." + key);
    if (!difference.empty()) return difference;
  }
  for (const auto& [key, value] : engine.items()) {
    if (!model.contains(key)) return path + "." + key + ": model has none, engine " + value.dump();
  }
  return path + ": differs";
}

using SessionKey = std::tuple<std::string, std::string, std::string>;  // id, type, createdDate

std::multimap<SessionKey, json> ByKey(const std::vector<json>& envelopes) {
  std::multimap<SessionKey, json> sessions;
  for (const json& envelope : envelopes) {
    const json& session = envelope["session"];
    sessions.emplace(SessionKey{session["id"], session["type"], session["createdDate"]}, envelope);
  }
  return sessions;
}

std::string Name(const SessionKey& key) {
  const auto& [id, type, created] = key;
  return "session " + id + " " + type + " " + created;
}

std::string SessionsDifference(const std::vector<json>& model, const std::vector<json>& engine) {
  const auto of_model = ByKey(model);
  const auto of_engine = ByKey(engine);
  auto m = of_model.begin();
  auto e = of_engine.begin();
  for (; m != of_model.end() && e != of_engine.end(); ++m, ++e) {
    if (m->first < e->first) return "only the model has " + Name(m->first) + "\n" + m->second.dump();
    if (e->first < m->first) return "only the engine has " + Name(e->first) + "\n" + e->second.dump();
    const std::string difference = ValueDifference(m->second, e->second, "");
    if (!difference.empty()) return Name(m->first) + "\n" + difference;
  }
  if (m != of_model.end()) return "only the model has " + Name(m->first) + "\n" + m->second.dump();
  if (e != of_engine.end()) return "only the engine has " + Name(e->first) + "\n" + e->second.dump();
  return model == engine ? "" : "the same sessions, but not in the order (deadline, key, first)";
}

std::string CountersDifference(const ModelResult& model, const EngineRun& engine, size_t records) {
  if (!engine.EveryRecordInOneCount(records)) return "the engine's outcomes do not add up to its records";
  const auto counted = [&](Outcome outcome) { return engine.counters.outcomes[static_cast<size_t>(outcome)]; };
  const json of_model = {model.joined, model.duplicates, model.late.size(), model.dead_letters.size()};
  const json of_engine = {counted(Outcome::kJoined), counted(Outcome::kDuplicate), counted(Outcome::kLate),
                          counted(Outcome::kDeadLetter)};
  return ValueDifference(of_model, of_engine, "joined, duplicate, late, dead letters");
}

std::string Difference(const RandomStream& stream) {
  const ModelResult model = NaiveReplay(stream.lines, stream.rules, stream.process_start);
  const EngineRun engine = RunEngine(stream.lines, stream.rules, stream.process_start);
  const std::vector<std::string> differences = {
      ValueDifference(model.dead_letters, engine.dead_letters, "dead letters"),
      ValueDifference(model.late, engine.late, "late"), SessionsDifference(model.envelopes, engine.envelopes),
      ValueDifference(model.sources, engine.sources, "first and last offsets"),
      CountersDifference(model, engine, stream.lines.size())};
  const auto first = std::find_if(differences.begin(), differences.end(), [](const auto& d) { return !d.empty(); });
  return first == differences.end() ? "" : *first;
}

// Leaves out every line that can go without the difference going too.
RandomStream Shrink(RandomStream stream) {
  for (size_t i = stream.lines.size(); i-- > 0;) {
    RandomStream shorter = stream;
    shorter.lines.erase(shorter.lines.begin() + static_cast<std::ptrdiff_t>(i));
    if (!Difference(shorter).empty()) stream = std::move(shorter);
  }
  return stream;
}

std::string Describe(const Rules& r) {
  const json described = {
      {"timeout", {r.timeout.web.ms, r.timeout.app.ms, r.timeout.conversation.ms}},
      {"max_duration", {r.max_duration.web.ms, r.max_duration.app.ms, r.max_duration.conversation.ms}},
      {"conversation_linger", r.conversation_linger.ms},
      {"dedup_horizon", r.dedup_horizon},
      {"max_out_of_orderness", r.max_out_of_orderness.ms},
      {"max_event_bytes", r.max_event_bytes},
      {"end_events", r.end_events},
      {"list_attributes", r.list_attributes}};
  return described.dump();
}

// True where model and engine agree.
bool CompareStream(uint64_t seed) {
  const RandomStream stream = MakeRandomStream(seed);
  if (Difference(stream).empty()) return true;
  const RandomStream shrunk = Shrink(stream);
  std::string lines;
  for (const std::string& line : shrunk.lines) lines += line + "\n";
  ADD_FAILURE() << "TIDEMARK_SEED=" << seed << ": " << Difference(shrunk) << "\nby these lines\n"
                << lines << "under " << Describe(shrunk.rules);
  return false;
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(DifferentialTest, EngineAndModelAgreeOnRandomStreams) {
  const bool one_seed = std::getenv("TIDEMARK_SEED") != nullptr;
  const uint64_t base = FromEnvironment("TIDEMARK_SEED", 20'251'124);
  const uint64_t streams = one_seed ? 1 : FromEnvironment("TIDEMARK_STREAMS", 4000);
  ASSERT_GT(streams, 0U) << "TIDEMARK_STREAMS is no number";
  std::cout << "base seed " << base << ", " << streams << " streams\n";
  int failures = 0;
  for (uint64_t i = 0; i < streams && failures < kFailuresShown; ++i) {
    if (!CompareStream(base + i)) ++failures;
  }
}

}  // namespace
}  // namespace tidemark::model
