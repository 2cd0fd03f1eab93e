// What one shard was told of its partitions' ends, to judge by how far its clock may move a quiet partition's
// watermark: by the time from its last record to the last answer of the leader that there was nothing more (spec
// section 3), if for `idle_after` before it no answer was missing or another. One thread.
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
  // `idle_after`: of the machine's time.
  explicit SimQuiet(Duration idle_after) : idle_after_(idle_after) {}

  // Work on the partition begins, for the first time or not.
  void NoteBegin(PartitionId partition, int64_t now_ms) {
    heard_.try_emplace(partition, Heard{{{Offset{-1}, now_ms}}, {}, std::nullopt});
  }

  void NoteRecord(PartitionId partition, Offset offset, int64_t now_ms) {
    Heard& heard = heard_[partition];
    if (heard.records.empty() || offset > heard.records.back().first) heard.records.emplace_back(offset, now_ms);
    heard.answers_since.reset();  // there may be more
  }

  // All there is has been handed out.
  void NoteAllHandedOut(PartitionId partition, int64_t now_ms) { heard_[partition].NoteAnswer(now_ms); }

  // The leader answered where the partition ends.
  void NoteEnd(PartitionId partition, Offset end, int64_t now_ms) {
    Heard& heard = heard_[partition];
    heard.NoteAnswer(now_ms);
    heard.ends.push_back({end, *heard.answers_since, now_ms});
  }

  // The leader did not answer, or there is something that nobody may see yet.
  void NoteDoubt(PartitionId partition) { heard_[partition].answers_since.reset(); }

  // How long, at most, the partition had been quiet at `next` when its leader last said so; nothing: it never did.
  std::optional<Duration> QuietFor(PartitionId partition, Offset next, const SimLog& log) const {
    const auto found = heard_.find(partition);
    if (found == heard_.end()) return std::nullopt;
    const auto& [records, ends, answers_since] = found->second;
    const auto more = log.NextVisible(next);
    const auto last = std::find_if(records.rbegin(), records.rend(), [&](const auto& r) { return r.first < next; });
    const auto end = std::find_if(ends.rbegin(), ends.rend(), [&](const End& e) {
      return (!more || *more >= e.end) && e.at_ms - e.answers_since_ms >= idle_after_.ms;
    });
    if (last == records.rend() || end == ends.rend()) return std::nullopt;
    return Duration{end->at_ms - last->second};
  }

 private:
  struct End {
    Offset end;
    int64_t answers_since_ms;  // without one missing
    int64_t at_ms;
  };

  struct Heard {
    std::vector<std::pair<Offset, int64_t>> records;  // the newest so far, and when it was handed out
    std::vector<End> ends;                            // what the leader answered
    std::optional<int64_t> answers_since;

    void NoteAnswer(int64_t now_ms) { answers_since = answers_since.value_or(now_ms); }
  };

  const Duration idle_after_;
  std::map<PartitionId, Heard> heard_;
};

}  // namespace tidemark::sim
