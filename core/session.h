// One open session: the aggregate that events are folded into (spec section 2), or what is left of a closed one, its
// tombstone (spec section 3).
//
// The numbers that every event touches are members; all other values are in one block (FieldStore). A field carries
// the event time it comes from, so the result depends on event times and not on the order of arrival. Sessions are
// owned by a SessionTable and belong to its partition's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/byte_buffer.h"
#include "core/collections.h"
#include "core/common_values.h"
#include "core/event.h"
#include "core/field_store.h"
#include "core/identity.h"
#include "core/partition.h"
#include "core/rules.h"
#include "core/types.h"

namespace tidemark {

// A session's place in its SessionTable.
using SessionRef = uint32_t;
inline constexpr SessionRef kNoSession = UINT32_MAX;

struct Session {
  enum class State : uint8_t { kFree, kOpen, kTombstone };

  EventTime first;
  EventTime last;
  EventTime end = kAfterAllTime;        // kAfterAllTime: it has none
  EventTime scheduled = kAfterAllTime;  // when the timing wheel looks at it next
  uint64_t key_hash = 0;
  SessionRef next = kNoSession;  // the next one with the same key hash
  uint32_t generation = 0;       // how often this place was used: tells a timer of a predecessor from one of ours
  State state = State::kFree;
  TypeRules type_rules = TypeRules::kWeb;
  CloseReason end_reason = CloseReason::kInactivity;  // of `end`
  bool authenticated = false;
  bool is_conversation = false;    // took a detail event
  bool customer_has_left = false;  // at least one started customer leg, all of them ended
  uint32_t events = 0;
  uint32_t pageviews = 0;
  uint32_t screenviews = 0;
  uint32_t duplicates = 0;
  uint32_t out_of_order = 0;
  uint32_t snapshot = 0;                      // the newest snapshot that has it, or that it is too young for
  EventTime customer_ended = kBeforeAllTime;  // newest customer.end
  Offset first_offset;
  Offset last_offset;
  FieldStore fields;

  bool has_end() const { return end != kAfterAllTime; }
  SessionKey key() const { return UnpackKey(packed_key()); }
  std::string_view packed_key() const { return fields.Get(Slot::kKey); }

  // When it closes (spec section 3, rule 6).
  EventTime Deadline(const Rules& rules) const;
  CloseReason Reason() const;
  EventTime EndedDate(const Rules& rules) const;
};

// What a joining event needs besides itself. The scratch buffers are reused from event to event.
struct JoinContext {
  const Rules& rules;
  PartitionId partition;
  Offset offset;
  std::optional<EventId> event_id;
  CommonValues& common;
  ByteBuffer& packed;
  ByteBuffer& merged;
};

// Makes an empty, free session an open one that has taken `event`.
void OpenSession(const Event& event, const JoinContext& context, Session& session);

// Takes `event` into an open session.
void JoinSession(const Event& event, const JoinContext& context, Session& session);

// Takes all of `later`, a session of the same key whose first event is later, into `earlier`. Rule 4's merge: the end
// and reason of the later one are kept, counters are added up.
void MergeSessions(const Rules& rules, Session& later, Session& earlier);

// Brings customer_has_left and customer_ended up to date with the session's legs.
void UpdateCustomerLegs(Session& session);

// The event's id in the form that is remembered; nothing where it has none: then no duplicate is found.
std::optional<EventId> IdOf(const Event& event);

// Whether the session remembers the id (spec section 1, "event id").
bool IsDuplicate(const std::optional<EventId>& id, const Session& session);

// Whether `name` is one of `names`; these lists are short.
bool IsNamed(std::string_view name, const std::vector<std::string>& names);

}  // namespace tidemark
