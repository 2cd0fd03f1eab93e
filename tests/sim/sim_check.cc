#include "tests/sim/sim_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "core/partition.h"
#include "core/state_record.h"
#include "sinks/kafka_sink.h"
#include "tests/sim/sim_broker.h"

namespace tidemark::sim {
namespace {

const std::vector<std::string> kOutputTopics = {"sessions", "sessions-late", "sessions-dead-letters"};

using Lines = std::multiset<std::string>;

template <typename Headers>
std::string Line(std::string_view topic, std::string_view key, std::string_view value, const Headers& headers) {
  std::string line = fmt::format("{} {} {}", topic, key, value);
  for (const auto& [name, text] : headers) line += fmt::format(" {}={}", name, text);
  return line;
}

// Writes records down instead of sending them.
class LineWriter : public RecordWriter {
 public:
  absl::Status Write(const OutputRecord& record) override {
    std::vector<std::pair<std::string, std::string>> headers;
    for (const RecordHeader& header : record.headers) headers.emplace_back(header.name, header.value.value_or(""));
    lines.insert(Line(record.topic, record.key.value_or(""), record.value.value_or(""), headers));
    return absl::OkStatus();
  }
  uint64_t max_record_bytes() const override { return 3'000; }

  Lines lines;
};

class SinkEffects : public Effects {
 public:
  SinkEffects(KafkaSink& sink, PartitionId partition) : sink_(sink) { context_.source = {kEventsTopic, partition}; }

  void set_key(const std::optional<std::string>& key) { context_.key = key; }
  void OnSession(const ClosedSession& session) override { sink_.Session(session, context_.source).IgnoreError(); }
  void OnLate(const LateEvent& late) override { sink_.Late(late, context_).IgnoreError(); }
  void OnDeadLetter(const DeadLetter& dead) override { sink_.Dead(dead, context_).IgnoreError(); }

 private:
  KafkaSink& sink_;
  RecordContext context_;
};

// The committed decisions of a partition by number, and the rules it began under.
struct Decided {
  std::map<uint64_t, Decision> decisions;
  std::optional<Rules> first_rules;
  std::string mistake;
};

Decided ReadDecisions(const SimLog& log) {
  Decided decided;
  for (int64_t offset = 0; offset < log.end(); ++offset) {
    if (!log.at(offset).committed()) continue;
    const auto record = DecodeStateRecord(log.at(offset).value);
    if (!record.ok()) {
      decided.mistake = "a state record cannot be read";
    } else if (const auto* decision = std::get_if<Decision>(&*record)) {
      if (!decided.decisions.emplace(decision->number, *decision).second) {
        decided.mistake = fmt::format("decision {} was committed twice", decision->number);
      }
    } else if (const auto* end = std::get_if<SnapshotEnd>(&*record); end != nullptr && !decided.first_rules) {
      decided.first_rules = end->rules;
    }
  }
  return decided;
}

void Apply(const Decision& decision, Partition& partition, Effects& effects) {
  if (const auto* moved = std::get_if<WatermarkMoved>(&decision.what)) {
    partition.AdvanceWatermark(moved->watermark, effects);
  } else {
    partition.ChangeRules(std::get<RulesChanged>(decision.what).rules, effects);
  }
}

std::string ReplayPartition(SimCluster& cluster, PartitionId id, LineWriter& writer, SimCounts& counts) {
  const Decided decided = ReadDecisions(cluster.log(kStateTopic, id));
  if (!decided.mistake.empty()) return decided.mistake;
  if (!decided.first_rules) return "there is no snapshot";
  Partition partition(id, *decided.first_rules);
  KafkaSink sink(writer, {kOutputTopics[0], kOutputTopics[1], kOutputTopics[2]});
  SinkEffects effects(sink, id);
  auto decision = decided.decisions.begin();
  const SimLog& log = cluster.log(kEventsTopic, id);
  for (int64_t offset = 0; offset < log.end(); ++offset) {
    for (; decision != decided.decisions.end() && decision->second.before.value <= offset; ++decision) {
      Apply(decision->second, partition, effects);
    }
    const Entry& entry = log.at(offset);
    if (!entry.committed()) continue;
    effects.set_key(entry.key);
    partition.Apply({entry.value, Offset{offset}, EventTime{std::stoll(entry.headers[0].second)}}, effects);
    ++counts.records;
  }
  for (; decision != decided.decisions.end(); ++decision) Apply(decision->second, partition, effects);
  counts.decisions += decided.decisions.size();
  const auto& outcomes = partition.counters().outcomes;
  const uint64_t sum = std::accumulate(std::begin(outcomes), std::end(outcomes), uint64_t{0});
  if (sum != partition.counters().records) return "the outcomes do not add up to the records";
  if (partition.open_sessions() != 0) return fmt::format("{} sessions are still open", partition.open_sessions());
  return "";
}

Lines ReadCommitted(SimCluster& cluster) {
  Lines lines;
  for (const std::string& topic : kOutputTopics) {
    for (const SimLog* log : cluster.LogsOf(topic)) {
      for (int64_t offset = 0; offset < log->end(); ++offset) {
        const Entry& entry = log->at(offset);
        if (entry.committed()) lines.insert(Line(topic, entry.key.value_or(""), entry.value, entry.headers));
      }
    }
  }
  return lines;
}

std::string FirstOf(const Lines& left, const Lines& right) {
  std::vector<std::string> only;
  std::set_difference(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(only));
  return only.empty() ? "" : fmt::format("{} records, the first: {}", only.size(), only[0]);
}

}  // namespace

std::string CompareWithReplay(SimCluster& cluster, int partitions, SimCounts& counts) {
  LineWriter expected;
  for (int32_t p = 0; p < partitions; ++p) {
    const std::string mistake = ReplayPartition(cluster, {p}, expected, counts);
    if (!mistake.empty()) return fmt::format("partition {}: {}", p, mistake);
  }
  const Lines written = ReadCommitted(cluster);
  counts.sessions = static_cast<uint64_t>(
      std::count_if(written.begin(), written.end(), [](const auto& line) { return line.starts_with("sessions "); }));
  const std::string lost = FirstOf(expected.lines, written);
  const std::string more = FirstOf(written, expected.lines);
  return (lost.empty() ? "" : "lost: " + lost) + (more.empty() ? "" : "\nnot expected: " + more);
}

}  // namespace tidemark::sim
