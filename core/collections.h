// The parts of a session that hold several values: attributes, attribute lists, search terms, outcomes, segments,
// channels, customer legs, event ids. Each is one slot of the session's block; these functions read the packed form,
// fold an event or another session in, and write it back.
//
// Folding is commutative: what a collection becomes depends on event times, not on the order of arrival, except that on
// equal times the later call counts as the later event. Views point into the packed bytes they were read from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace tidemark {

// Per key the newest value. Ordered by key.
struct Attribute {
  std::string_view key;
  EventTime time;
  std::string_view data_type;
  std::string_view value;
};
std::vector<Attribute> UnpackAttributes(std::string_view packed);
void PackAttributes(const std::vector<Attribute>& attributes, std::string& packed);
// Both ordered by key. On equal times `later` counts.
std::vector<Attribute> MergeAttributes(const std::vector<Attribute>& earlier, const std::vector<Attribute>& later);

// A distinct value with the earliest event time it was seen at. Ordered by time, then by bytes.
struct Term {
  EventTime time;
  std::string_view value;

  friend bool operator==(const Term&, const Term&) = default;
  friend auto operator<=>(const Term&, const Term&) = default;
};
std::vector<Term> UnpackTerms(std::string_view packed);
void PackTerms(const std::vector<Term>& terms, std::string& packed);
std::vector<Term> MergeTerms(const std::vector<Term>& a, const std::vector<Term>& b);

// An attribute list: the newest data type and the distinct values. Ordered by key.
struct AttributeList {
  std::string_view key;
  EventTime time;  // of data_type
  std::string_view data_type;
  std::vector<Term> values;
};
std::vector<AttributeList> UnpackLists(std::string_view packed);
void PackLists(const std::vector<AttributeList>& lists, std::string& packed);
std::vector<AttributeList> MergeLists(const std::vector<AttributeList>& earlier,
                                      const std::vector<AttributeList>& later);

// An outcome or a segment: the earliest time, and the newest selfUri (empty: none). Ordered by id.
struct Achievement {
  std::string_view id;
  EventTime time;
  EventTime uri_time;
  std::string_view self_uri;
};
std::vector<Achievement> UnpackAchievements(std::string_view packed);
void PackAchievements(const std::vector<Achievement>& achievements, std::string& packed);
std::vector<Achievement> MergeAchievements(const std::vector<Achievement>& earlier,
                                           const std::vector<Achievement>& later);

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
std::vector<Channel> UnpackChannels(std::string_view packed);
void PackChannels(const std::vector<Channel>& channels, std::string& packed);
std::vector<Channel> MergeChannels(const std::vector<Channel>& a, const std::vector<Channel>& b);

// A customer's leg: its newest start and end, kBeforeAllTime where there is none. Ordered by id.
struct Leg {
  std::string_view id;  // empty: the unnamed leg
  EventTime started;
  EventTime ended;
};
std::vector<Leg> UnpackLegs(std::string_view packed);
void PackLegs(const std::vector<Leg>& legs, std::string& packed);
std::vector<Leg> MergeLegs(const std::vector<Leg>& a, const std::vector<Leg>& b);

// An event id, for finding duplicates: a canonical UUID as it is, any other text as a 128-bit hash; the id, name and
// time together where the id is a CorrelationId. Fixed size, so the packed form is an array, ordered by time.
struct EventId {
  uint64_t high;
  uint64_t low;
  EventTime time;

  bool SameAs(const EventId& other) const { return high == other.high && low == other.low; }
};
EventId MakeEventId(std::string_view id, EventTime time);
EventId MakeCorrelatedEventId(std::string_view id, std::string_view name, EventTime time);
bool ContainsEventId(std::string_view packed, const EventId& id);
// Adds `id` behind all that are no newer, and keeps the newest `horizon`.
void AddEventId(std::string_view packed, const EventId& id, uint32_t horizon, std::string& out);
// `later` counts as later on equal times; keeps the newest `horizon`.
void MergeEventIds(std::string_view earlier, std::string_view later, uint32_t horizon, std::string& out);

}  // namespace tidemark
