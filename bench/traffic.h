// The input of the benchmarks: generated events in memory, each with the padding simdjson's own parsers need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules.h"
#include "core/session.h"
#include "ingest/traffic_generator.h"

namespace tidemark::bench {

struct Traffic {
  std::string bytes;                     // all events, one after the other, newline between, padded at the end
  std::vector<std::string_view> events;  // views into `bytes`
};

// So many of the generator's events; the same for the same arguments.
Traffic MakeTraffic(uint64_t events, const TrafficOptions& options);

// An open session of the first events of the traffic; without events if one of them is none. Given the values of one
// like it, it refers to those that a second visitor would find.
Session MakeSession(const Traffic& traffic, const Rules& rules, size_t events, CommonValues& common);

}  // namespace tidemark::bench
