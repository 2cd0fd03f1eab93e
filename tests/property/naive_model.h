// The contract a second time, without any cleverness: a session is the vector of its events, every field is computed
// from that vector when the session closes, everything is found by looking at everything. What the engine is compared
// with (differential_test.cc). Two limits: it does not know lone surrogate escapes, and it is slow.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/rules.h"
#include "core/types.h"

namespace tidemark {

struct NaiveResult {
  std::vector<nlohmann::json> envelopes;  // the `--envelope` form, in the order of closing
  std::vector<int64_t> late;              // line numbers
  std::vector<std::pair<int64_t, std::string>> dead_letters;
  uint64_t duplicates = 0;
};

// Reads `lines` as one partition, numbered 0, up to the end of the file.
NaiveResult NaiveReplay(const std::vector<std::string>& lines, const Rules& rules, EventTime process_start);

}  // namespace tidemark
