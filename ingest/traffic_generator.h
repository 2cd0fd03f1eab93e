// Realistic events in the contract's forms (spec section 1), as many as wanted: visitors who come, look at some ten
// pages half a minute apart, leave, and return later, all of them interleaved; app users; conversations with legs.
//
// A pure function of its options: no clock, no locale, integer arithmetic only, so the same seed gives the same bytes
// on every platform. What a visit is (browser, place, campaign, explicit session id or not) stays the same within it.
// Event times rise but for what `disorder` and `late` say. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/types.h"

namespace tidemark {

enum class TrafficMix : uint8_t { kWeb, kApp, kConversation, kMixed };

struct TrafficOptions {
  uint64_t seed = 1;
  uint32_t visitors = 1000;
  EventTime start{1'763'978'400'000};  // 2025-11-24T10:00:00Z
  TrafficMix mix = TrafficMix::kWeb;
  bool small = false;                   // web events of about 300 bytes instead of about 1.75 KB
  uint16_t longest_visit = UINT16_MAX;  // in events, from 1; cut short, it has no end event

  // Shares of all events, 0 to 1.
  double disorder = 0;    // 1 to 25 s older than the events before them
  double late = 0;        // older than any open session: late, if the defaults of the contract are in force
  double duplicates = 0;  // one of the last events again, byte for byte
  double garbage = 0;     // not an event: a dead letter
};

// An event and what it was meant to be. What becomes of it is for the rules in force to say: a duplicate of an event
// whose session has an end may be late, for example. The views are valid until the next call.
struct GeneratedEvent {
  std::string_view value;
  std::string_view key;  // the customer's or the conversation's id
  EventTime time;        // its event time; of garbage the time it was due
  bool disordered = false;
  bool late = false;
  bool duplicate = false;
  bool garbage = false;
};

class TrafficGenerator {
 public:
  explicit TrafficGenerator(const TrafficOptions& options);
  ~TrafficGenerator();
  TrafficGenerator(TrafficGenerator&&) noexcept;
  TrafficGenerator& operator=(TrafficGenerator&&) noexcept;

  // The next event, at its own time.
  GeneratedEvent Next();

  // The same, but it happens at `now`, and its visitor goes on from there. The caller's pace should fit the number of
  // visitors (VisitorsFor): with too many of them the pauses within a visit become longer than a time-out.
  GeneratedEvent Next(EventTime now);

  // When the next event is due. A caller with an event-time clock of its own calls Next while this is not later.
  EventTime next_time() const;

  // The visitors who together make about so many events per second of event time.
  static uint32_t VisitorsFor(double events_per_second);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemark
