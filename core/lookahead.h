// Records that are known to come: they are parsed, and the memory of their sessions is asked for, while the ones before
// them are applied. With many sessions open that memory is nowhere near, and a join would wait for it three times: for
// the place in the hash table, for the session, for its block of values. So an event takes a step towards each with
// every event that is announced after it.
//
// What is found ahead is a hint. A session may have gone, come or moved when the event's turn comes: it is looked up
// again, by then in memory that is near. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/byte_buffer.h"
#include "core/event.h"
#include "core/partition.h"
#include "core/session_table.h"

namespace tidemark {

// A record that has been read: an event and its packed key, or what is wrong with it.
struct Arrival {
  explicit Arrival(const Rules& rules) : parser(rules) {}

  void Read(const Record& record);
  bool Is(const Record& record) const {
    return value.data() == record.value.data() && value.size() == record.value.size() && offset == record.offset &&
           timestamp == record.timestamp;
  }

  // The record, of which only the bytes are somebody else's.
  std::string_view value;
  Offset offset;
  EventTime timestamp;

  EventParser parser;
  const Defect* defect = nullptr;
  ByteBuffer packed_key;  // where there is no defect
  uint64_t key_hash = 0;
  SessionRef session = kNoSession;  // a hint
};

class Lookahead {
 public:
  // `rules` must outlive it.
  explicit Lookahead(const Rules& rules);

  // Reads a record ahead. One that there is no more room for is left to Take.
  void Announce(const Record& record, const SessionTable& sessions);

  // The record as it was read, by now if it was not announced as the next one. Valid until the next call.
  const Arrival& Take(const Record& record);

  // Nothing was announced: what was read may be judged differently now.
  void Forget() { announced_ = 0; }

 private:
  static constexpr size_t kPlaces = kAnnouncedAhead + 1;  // the one that was taken last stays valid

  Arrival& At(size_t ahead) { return *arrivals_[(next_ + ahead) % kPlaces]; }

  std::array<std::unique_ptr<Arrival>, kPlaces> arrivals_;
  size_t next_ = 0;       // of those announced
  size_t announced_ = 0;  // not taken yet
};

}  // namespace tidemark
