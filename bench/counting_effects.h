// What came out of an engine, counted and otherwise forgotten: for benchmarks that check their result.
#pragma once

#include <cstdint>

#include "core/partition.h"

namespace tidemark::bench {

class CountingEffects : public Effects {
 public:
  void OnSession(const ClosedSession& session) override {
    ++sessions;
    events += session.events;
    bytes += session.json.size();
  }
  void OnLate(const LateEvent&) override { ++others; }
  void OnDeadLetter(const DeadLetter&) override { ++others; }

  bool operator==(const CountingEffects& other) const {
    return sessions == other.sessions && events == other.events && bytes == other.bytes && others == other.others;
  }

  uint64_t sessions = 0;
  uint64_t events = 0;  // in them
  uint64_t bytes = 0;   // of their JSON
  uint64_t others = 0;  // late events and dead letters
};

}  // namespace tidemark::bench
