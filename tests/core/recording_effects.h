// Effects that keep copies of everything, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/partition.h"

namespace tidemark {

struct RecordedSession {
  std::string id;
  std::string json;
  CloseReason reason;
  uint32_t duplicates;
  uint32_t out_of_order;
  EventTime ended;
  Offset first_offset;
  Offset last_offset;

  // The `--envelope` form (spec section 4).
  std::string Envelope() const {
    return "{\"closeReason\":\"" + std::string(ToString(reason)) +
           "\",\"duplicateEvents\":" + std::to_string(duplicates) +
           ",\"outOfOrderEvents\":" + std::to_string(out_of_order) + ",\"session\":" + json + "}";
  }
};

class RecordingEffects : public Effects {
 public:
  void OnSession(const ClosedSession& s) override {
    sessions.push_back({std::string(s.id), std::string(s.json), s.reason, s.duplicate_events, s.out_of_order_events,
                        s.ended, s.first_offset, s.last_offset});
  }
  void OnLate(const LateEvent& late_event) override {
    late.push_back(late_event.record.offset.value);
    late_by.push_back(late_event.late_by);
  }
  void OnDeadLetter(const DeadLetter& dead) override {
    dead_letters.emplace_back(dead.record.offset.value, std::string(ToString(dead.reason)));
  }

  std::vector<RecordedSession> sessions;
  std::vector<int64_t> late;
  std::vector<Duration> late_by;
  std::vector<std::pair<int64_t, std::string>> dead_letters;
};

}  // namespace tidemark
