// One generated visit's events as JSON text: web, app and conversation events (spec section 1). Which event comes when
// is the generator's business (ingest/traffic_generator). Pure but for the numbers drawn from `random`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/types.h"
#include "ingest/random.h"
#include "ingest/traffic_profiles.h"

namespace tidemark {

enum class VisitKind : uint8_t { kWeb, kApp, kConversation };

// What stays the same within a visit. All its other facts are bits of `seed`.
struct Visit {
  uint64_t visitor_seed = 0;  // of the customer: the same in each of a visitor's visits
  uint64_t seed = 0;
  VisitKind kind = VisitKind::kWeb;
  uint16_t steps = 0;
  uint16_t step = 0;  // the next event's number, from 0
};

// The facts of a visit that its seed decides.
bool HasSessionId(const Visit& visit);   // an explicit session
bool IsRequestForm(const Visit& visit);  // events in the flat request form, which have no id
uint16_t StepsOf(const Visit& visit);    // how many events it has

class TrafficWriter {
 public:
  explicit TrafficWriter(bool small) : small_(small) {}

  // Replaces `out` by the event `visit.step` of `visit`.
  void WriteEvent(const Visit& visit, EventTime time, Random& random, std::string& out) const;

  // Replaces `out` by bytes that are a dead letter for sure, without a newline.
  void WriteGarbage(const Visit& visit, EventTime time, Random& random, std::string& out) const;

  // Replaces `out` by the customer's or conversation's id.
  static void WriteKey(const Visit& visit, std::string& out);

 private:
  void WriteWeb(const Visit& visit, EventTime time, Random& random, std::string& out) const;
  void WriteRequestForm(const Visit& visit, EventTime time, Random& random, std::string& out) const;
  void WriteApp(const Visit& visit, EventTime time, Random& random, std::string& out) const;
  void WriteConversation(const Visit& visit, EventTime time, Random& random, std::string& out) const;
  void AppendWebPayload(const Visit& visit, uint32_t dice, Random& random, std::string& out) const;
  void AppendVisitFacts(const Visit& visit, std::string& out) const;

  bool small_;
  TrafficProfiles profiles_;
};

}  // namespace tidemark
