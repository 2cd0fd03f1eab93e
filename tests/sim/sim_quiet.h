// What one shard was told of its partitions' ends, to judge by how far its clock may move a quiet partition's
// watermark: by the time from its last record to the last answer of the leader that there was nothing more (spec
// section 3). One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/types.h"
#include "tests/sim/sim_log.h"

namespace tidemark::sim {

class SimQuiet {
 public:
  // Work on the partition begins, for the first time or not.
  void NoteBegin(PartitionId partition, int64_t now_ms) {
    heard_.try_emplace(partition, Heard{{{Offset{-1}, now_ms}}, {}});
  }

  void NoteRecord(PartitionId partition, Offset offset, int64_t now_ms) {
    auto& records = heard_[partition].records;
    if (records.empty() || offset > records.back().first) records.emplace_back(offset, now_ms);
  }

  void NoteEnd(PartitionId partition, Offset end, int64_t now_ms) { heard_[partition].ends.emplace_back(end, now_ms); }

  // How long, at most, the partition had been quiet at `next` when its leader last said so; nothing: it never did.
  std::optional<Duration> QuietFor(PartitionId partition, Offset next, const SimLog& log) const {
    const auto found = heard_.find(partition);
    if (found == heard_.end()) return std::nullopt;
    const auto& [records, ends] = found->second;
    const auto more = log.NextVisible(next);
    const auto last = std::find_if(records.rbegin(), records.rend(), [&](const auto& r) { return r.first < next; });
    const auto end = std::find_if(ends.rbegin(), ends.rend(), [&](const auto& e) { return !more || *more >= e.first; });
    if (last == records.rend() || end == ends.rend()) return std::nullopt;
    return Duration{end->second - last->second};
  }

 private:
  struct Heard {
    std::vector<std::pair<Offset, int64_t>> records;  // the newest so far, and when it was handed out
    std::vector<std::pair<Offset, int64_t>> ends;     // what the leader answered, and when
  };

  std::map<PartitionId, Heard> heard_;
};

}  // namespace tidemark::sim
