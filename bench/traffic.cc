#include "bench/traffic.h"

#include <simdjson.h>

#include "ingest/traffic_generator.h"

namespace tidemark::bench {

Traffic MakeWebTraffic(uint64_t events, uint64_t seed) {
  TrafficOptions options;
  options.seed = seed;
  options.visitors = 3000;
  TrafficGenerator generator(options);
  Traffic traffic;
  std::vector<std::pair<size_t, size_t>> places;
  for (uint64_t i = 0; i < events; ++i) {
    const std::string_view event = generator.Next().value;
    places.emplace_back(traffic.bytes.size(), event.size());
    traffic.bytes.append(event).append("\n");
  }
  traffic.bytes.append(simdjson::SIMDJSON_PADDING, ' ');
  for (const auto& [offset, size] : places) traffic.events.emplace_back(traffic.bytes.data() + offset, size);
  return traffic;
}

}  // namespace tidemark::bench
