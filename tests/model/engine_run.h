// The engine over the lines of one partition, to the end of the file, with all it had to say.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/partition.h"
#include "core/rules.h"

namespace tidemark::model {

struct EngineRun {
  std::vector<nlohmann::json> envelopes;             // the `--envelope` form, in the order of closing
  std::vector<std::pair<int64_t, int64_t>> sources;  // of each, its first and last offset
  std::vector<int64_t> late;
  std::vector<std::pair<int64_t, std::string>> dead_letters;
  std::vector<Outcome> outcomes;  // one a line
  PartitionCounters counters;
  uint64_t sessions_left = 0;

  // That each of `records` records ended as exactly one outcome, that the counters, the outcomes returned and the
  // effects say the same, and that every joined event is in one session.
  bool EveryRecordInOneCount(uint64_t records) const;
};

EngineRun RunEngine(const std::vector<std::string>& lines, const Rules& rules, EventTime process_start);

}  // namespace tidemark::model
