// The parts of a session that hold several values: attributes, attribute lists, search terms, outcomes, segments,
// channels, customer legs, event ids. Each is one slot of the session's block; these functions read the packed form,
// fold an event or another session in, and write it back.
//
// Folding is commutative: what a collection becomes depends on event times, not on the order of arrival, except that on
// equal times the later call counts as the later event. Views point into the packed bytes they were read from.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/byte_buffer.h"
#include "core/packed.h"
#include "core/types.h"

namespace tidemark {

// Most sessions have a few of each: no memory is asked for until there are more.
template <typename T>
using Collected = absl::InlinedVector<T, 6>;

// Per key the newest value. Ordered by key.
struct Attribute {
  std::string_view key;
  EventTime time;
  std::string_view data_type;
  std::string_view value;
};
Attribute ReadAttribute(Unpacker& packed);
void PackAttribute(const Attribute& attribute, ByteBuffer& packed);
// Both packed. On equal times `later` counts.
void MergeAttributes(std::string_view earlier, std::string_view later, ByteBuffer& merged);
// The same where `later` are a few in any order, each of a key that `earlier` has. False: some are not, or are two of
// one key; then `merged` is of no use.
bool UpdateAttributes(std::string_view earlier, const Collected<Attribute>& later, ByteBuffer& merged);

// A distinct value with the earliest event time it was seen at. Ordered by time, then by bytes.
struct Term {
  EventTime time;
  std::string_view value;

  friend bool operator==(const Term&, const Term&) = default;
  friend auto operator<=>(const Term&, const Term&) = default;
};
Collected<Term> UnpackTerms(std::string_view packed);
void PackTerms(const Collected<Term>& terms, ByteBuffer& packed);
// Whether the value has been seen at that time or before: then it changes nothing.
bool ContainsTerm(std::string_view packed, const Term& term);
Collected<Term> MergeTerms(const Collected<Term>& a, const Collected<Term>& b);

// An attribute list: the newest data type and the distinct values. Ordered by key.
struct AttributeList {
  std::string_view key;
  EventTime time;  // of data_type
  std::string_view data_type;
  Collected<Term> values;
};
Collected<AttributeList> UnpackLists(std::string_view packed);
void PackLists(const Collected<AttributeList>& lists, ByteBuffer& packed);
Collected<AttributeList> MergeLists(const Collected<AttributeList>& earlier, const Collected<AttributeList>& later);

// An outcome or a segment: the earliest time, and the newest selfUri (empty: none). Ordered by id.
struct Achievement {
  std::string_view id;
  EventTime time;
  EventTime uri_time;
  std::string_view self_uri;
};
Collected<Achievement> UnpackAchievements(std::string_view packed);
void PackAchievements(const Collected<Achievement>& achievements, ByteBuffer& packed);
Collected<Achievement> MergeAchievements(const Collected<Achievement>& earlier, const Collected<Achievement>& later);

// A distinct channel with the earliest event time. Ordered by time, then by type, message type, platform.
struct Channel {
  EventTime time;
  std::string_view type;
  std::string_view message_type;  // empty: none
  std::string_view platform;      // empty: none

  bool SameAs(const Channel& other) const {
    return type == other.type && message_type == other.message_type && platform == other.platform;
  }
  friend bool operator==(const Channel&, const Channel&) = default;
  friend auto operator<=>(const Channel&, const Channel&) = default;
};
Collected<Channel> UnpackChannels(std::string_view packed);
void PackChannels(const Collected<Channel>& channels, ByteBuffer& packed);
Collected<Channel> MergeChannels(const Collected<Channel>& a, const Collected<Channel>& b);

// A customer's leg: its newest start and end, kBeforeAllTime where there is none. Ordered by id.
struct Leg {
  std::string_view id;  // empty: the unnamed leg
  EventTime started;
  EventTime ended;
};
Collected<Leg> UnpackLegs(std::string_view packed);
void PackLegs(const Collected<Leg>& legs, ByteBuffer& packed);
Collected<Leg> MergeLegs(const Collected<Leg>& a, const Collected<Leg>& b);

// An event id, for finding duplicates: a canonical UUID as it is, any other text as a hash of 126 bits; the id, name
// and time together where the id is a CorrelationId. No two of these kinds are ever the same. Fixed size, so the packed
// form is an array, ordered by time.
struct EventId {
  uint64_t high;
  uint64_t low;
  EventTime time;

  bool SameAs(const EventId& other) const { return high == other.high && low == other.low; }
};
EventId MakeEventId(std::string_view id, EventTime time);
EventId MakeCorrelatedEventId(std::string_view id, std::string_view name, EventTime time);
bool ContainsEventId(std::string_view packed, const EventId& id);
// The packed form of one.
inline std::string_view PackedEventId(const EventId& id) { return {reinterpret_cast<const char*>(&id), sizeof(id)}; }
// Whether remembering `id` too, among the newest `horizon`, means no more than to append it: the common case.
bool IsAppended(std::string_view packed, const EventId& id, uint32_t horizon);
// Whether it means to append it and to forget the oldest one: the common case of a full horizon.
bool IsNewest(std::string_view packed, const EventId& id, uint32_t horizon);
// `later` counts as later on equal times; keeps the newest `horizon`, an id of both once, at its newer time.
void MergeEventIds(std::string_view earlier, std::string_view later, uint32_t horizon, ByteBuffer& out);

}  // namespace tidemark
