// Section 1 of the contract, read literally: a record's bytes become an event of the naive model or a dead letter.
//
// Nothing here comes from core/ but the settings and the type of a time: that independence is what makes agreement of
// the two worth something. Pure functions: any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules.h"
#include "core/types.h"

namespace tidemark::model {

// What sessions are told apart by: {session.id, type}, or {customerIdType, customerId, type}.
struct NaiveKey {
  bool by_customer = false;  // false sorts first: explicit keys come before customer keys
  std::vector<std::string> values;

  friend auto operator<=>(const NaiveKey&, const NaiveKey&) = default;
};

struct NaiveEvent {
  nlohmann::json body;       // the event itself, out of its envelopes
  std::string payload_name;  // "webEvent", ..., or empty; a request form is a "webEvent" or an "appEvent"
  nlohmann::json payload;    // that payload; of a request form the whole body
  bool request_form = false;
  bool detail = false;          // a conversation detail event
  std::string kind;             // of a detail event: "acd.start"
  std::string conversation_id;  // of a detail event

  int64_t time = 0;      // milliseconds since 1970
  int64_t position = 0;  // in the partition
  std::string id;        // empty: none
  bool id_is_correlation = false;
  std::string name;
  std::string type;
  std::string customer_id;  // empty: none
  std::string customer_id_type;
  NaiveKey key;
};

struct NaiveRecord {
  std::optional<NaiveEvent> event;
  std::string dead_letter;  // the reason, where there is no event
};

NaiveRecord ReadRecord(std::string_view bytes, int64_t position, const Rules& rules, EventTime record_time);

// Milliseconds since 1970 of an ISO-8601 date or a whole number; none for a bad time.
std::optional<int64_t> ReadTime(const nlohmann::json& value);

}  // namespace tidemark::model
