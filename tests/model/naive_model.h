// A deliberately naive model of the whole contract, to hold the engine against.
//
// It is written from the contract alone and shares nothing with core/ but the settings and the type of a time. A
// session is the vector of its events; every field is recomputed from that vector when the session closes; every
// look-up is a linear scan. Slow on purpose: what is obvious here must be what the engine does. Pure: any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/rules.h"
#include "core/types.h"

namespace tidemark::model {

struct ModelResult {
  std::vector<nlohmann::json> envelopes;             // the `--envelope` form of spec section 4, in the order of closing
  std::vector<std::pair<int64_t, int64_t>> sources;  // of each, the positions of its first and last event
  std::vector<int64_t> late;
  std::vector<std::pair<int64_t, std::string>> dead_letters;  // position and reason
  uint64_t joined = 0;
  uint64_t duplicates = 0;
};

// The lines as one partition, to the end of the file. `process_start` is the time that "future" is later than.
ModelResult NaiveReplay(const std::vector<std::string>& lines, const Rules& rules, EventTime process_start);

}  // namespace tidemark::model
