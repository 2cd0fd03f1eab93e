// Reading one event for the naive model (spec section 1).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tuple>

#include "core/rules.h"

namespace tidemark {

struct NaiveEvent {
  int64_t time = 0;
  size_t position = 0;
  nlohmann::json body;
  nlohmann::json payload;  // of the kind that counts; null: none
  std::string kind;        // "web", "app", "outcome", "segment", "action", "", or the kind of a detail event
  bool detail = false;
  bool request_form = false;
  std::string id;
  bool correlated = false;
  std::string name;
  std::string customer_id;
  std::string customer_id_type;
  std::tuple<bool, std::string, std::string, std::string> key;  // by customer, id type, id, type

  const std::string& type() const { return std::get<3>(key); }
};

// A string member that is not empty, else "".
std::string TextOf(const nlohmann::json& object, const std::string& name);

// The event of a line; or the reason why it is none, in `reason`.
std::optional<NaiveEvent> ReadNaiveEvent(const std::string& line, size_t position, const Rules& rules,
                                         int64_t process_start, std::string& reason);

}  // namespace tidemark
