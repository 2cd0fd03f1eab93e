// Section 2 of the contract, read literally: every field of a session recomputed from all of its events.
//
// Pure functions: any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/rules.h"
#include "tests/model/naive_event.h"

namespace tidemark::model {

using NaiveEvents = std::vector<NaiveEvent>;

// True for a conversation with at least one started customer leg, all of them ended.
bool AllLegsEnded(const NaiveEvents& events);

// The time of the newest `customer.end`. There must be one.
int64_t NewestCustomerEnd(const NaiveEvents& events);

// The Session of these events, ended at `ended`.
nlohmann::json SessionJson(const NaiveEvents& events, int64_t ended, const Rules& rules);

}  // namespace tidemark::model
