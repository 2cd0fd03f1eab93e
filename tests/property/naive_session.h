// The naive model's session: its events, and the Session computed from them (spec section 2).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/property/naive_event.h"

namespace tidemark {

struct NaiveSession {
  std::vector<NaiveEvent> events;  // as they came
  std::optional<int64_t> end;
  std::string end_reason;
  uint32_t duplicates = 0;
  uint32_t out_of_order = 0;

  int64_t first() const;
  int64_t last() const;
  bool CustomerHasLeft() const;
  int64_t CustomerEnded() const;
};

// The `--envelope` form of the session as it closes for `reason` at `ended`.
nlohmann::json NaiveEnvelope(const NaiveSession& session, const std::string& reason, int64_t ended, const Rules& rules);

}  // namespace tidemark
