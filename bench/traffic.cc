#include "bench/traffic.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "core/byte_buffer.h"
#include "core/event.h"

namespace tidemark::bench {

Traffic MakeTraffic(uint64_t events, const TrafficOptions& options) {
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

Session MakeSession(const Traffic& traffic, const Rules& rules, size_t events, CommonValues& common) {
  EventParser parser(rules);
  Session session;
  ByteBuffer packed;
  ByteBuffer merged;
  for (size_t i = 0; i < std::min(events, traffic.events.size()); ++i) {
    if (parser.Parse({traffic.events[i], Offset{0}, kAfterAllTime}) != nullptr) return {};
    const JoinContext context{rules, PartitionId{0}, Offset{0}, IdOf(parser.event()), common, packed, merged};
    if (i == 0) {
      OpenSession(parser.event(), context, session);
    } else {
      JoinSession(parser.event(), context, session);
    }
  }
  return session;
}

}  // namespace tidemark::bench
