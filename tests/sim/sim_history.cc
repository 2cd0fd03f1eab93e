#include "tests/sim/sim_history.h"

#include <fmt/format.h>

#include <variant>

#include "core/state_record.h"

namespace tidemark::sim {
namespace {

struct Describe {
  std::string operator()(const Decision& decision) const {
    const auto* moved = std::get_if<WatermarkMoved>(&decision.what);
    return fmt::format("decision {} before {}: {}", decision.number, decision.before.value,
                       moved ? fmt::format("watermark {}", moved->watermark.ms) : "rules changed");
  }
  std::string operator()(const SnapshotChunk& chunk) const {
    return fmt::format("chunk {} of snapshot {}", chunk.index, chunk.snapshot);
  }
  std::string operator()(const SnapshotEnd& end) const {
    return fmt::format("end of snapshot {}: next {}, {} sessions, {} decisions, watermark {}, digest {:016x}",
                       end.snapshot, end.next.value, end.sessions, end.decisions, end.watermark.ms, end.digest);
  }
};

std::string_view ToString(SimLog::State state) {
  switch (state) {
    case SimLog::State::kOpen:
      return "open";
    case SimLog::State::kCommitted:
      return "committed";
    case SimLog::State::kAborted:
      return "aborted";
    default:
      return "marker";
  }
}

}  // namespace

std::vector<std::string> DescribeHistory(SimCluster& cluster, PartitionId partition) {
  std::vector<std::string> lines;
  int64_t offset = 0;
  for (const SimLog::Entry& entry : cluster.state(partition).entries()) {
    std::string line = fmt::format("state {}@{} {}", partition.value, offset++, ToString(entry.state));
    if (entry.record.value) {
      const auto record = DecodeStateRecord(*entry.record.value);
      line += record.ok() ? ": " + std::visit(Describe{}, *record) : ": unreadable";
    }
    lines.push_back(std::move(line));
  }
  for (const auto& [decision, committed] : cluster.offsets().HistoryOf(partition)) {
    lines.push_back(
        fmt::format("commit {}: offset {}, {}", partition.value, committed.offset->value, committed.metadata));
  }
  return lines;
}

}  // namespace tidemark::sim
