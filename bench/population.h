// Web events of a population of visitors in a steady state: as many sessions stay open as wanted, each event is a
// random visitor's, and a session has ten of them on average before a pause longer than its time-out.
//
// Made from events of the traffic generator by writing other ids and times into them, which is quick enough for ten
// million visitors. Harder on caches than real traffic, whose visitors are busy for a while and then gone. The same for
// the same options. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "ingest/random.h"

namespace tidemark::bench {

struct PopulationOptions {
  uint64_t open_sessions = 100'000;  // about: it is nine tenths of the visitors
  bool small = false;                // events of 300 bytes instead of 1.75 KB
  uint32_t extra_bytes = 0;          // of a member that no rule reads, in each event
  uint32_t attributes = 0;           // besides those that the traffic has
  double disorder = 0;               // share of the events that are 1 to 25 s old
  uint32_t partitions = 1;
};

struct PopulationBatch {
  struct Event {
    size_t offset = 0;  // in `bytes`
    size_t size = 0;
    uint32_t partition = 0;
  };
  std::string bytes;
  std::vector<Event> events;  // by partition, as a consumer hands them out, and so are their bytes

  std::string_view Value(const Event& event) const { return {bytes.data() + event.offset, event.size}; }
};

class Population {
 public:
  explicit Population(const PopulationOptions& options);

  // Replaces `batch` by the next `count` events.
  void Next(uint64_t count, PopulationBatch& batch);

  // After so many events from the start the number of open sessions does not grow any more.
  uint64_t events_until_steady() const;

 private:
  // An event with the places of what differs from visitor to visitor.
  struct Template {
    std::string text;
    std::vector<size_t> customer_ids, session_ids;
    size_t event_id = 0;
    size_t date = 0;
  };

  // An event that is still to be written.
  struct Drawn {
    const Template* event;
    uint64_t visitor;
    uint64_t number;
    EventTime time;
    uint32_t partition;
  };

  void MakeTemplates();
  static bool Locate(Template& event);
  void Extend(Template& event, size_t step) const;
  EventTime NextTime();
  void Write(const Drawn& drawn, PopulationBatch& batch);

  const PopulationOptions options_;
  const uint64_t visitors_;
  const uint64_t disorder_;
  std::vector<std::vector<Template>> visits_;  // those of one visit belong together
  Random random_{1};
  uint64_t written_ = 0;
  std::vector<Drawn> drawn_;
  std::string date_;
};

}  // namespace tidemark::bench
