// The settings that decide what a session is (the [session] and [time] tables of the configuration, and
// `max_event_bytes`). They are part of a partition's input: the same records under the same rules give the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/types.h"

namespace tidemark {

// The session types with settings of their own. Any other type (`session.type` may be any string) follows kWeb.
enum class TypeRules : uint8_t { kWeb, kApp, kConversation };
inline constexpr int kTypeRulesCount = 3;

// One value per session type with settings of its own.
struct PerType {
  Duration web;
  Duration app;
  Duration conversation;

  constexpr Duration For(TypeRules type) const {
    return type == TypeRules::kApp ? app : type == TypeRules::kConversation ? conversation : web;
  }
  friend constexpr bool operator==(const PerType&, const PerType&) = default;
};

struct Rules {
  PerType timeout{Minutes(20), Minutes(20), Hours(24)};
  PerType max_duration{Hours(24), Hours(24), Days(30)};
  Duration idle_after = Minutes(5);
  Duration away_after = Minutes(10);
  Duration conversation_linger = Minutes(10);
  std::vector<std::string> pageview_events{"page_viewed"};
  std::vector<std::string> screenview_events{"screen_viewed"};
  std::vector<std::string> end_events{"session_ended"};
  std::vector<std::string> list_attributes;
  uint32_t dedup_horizon = 1024;  // newest event ids remembered per session

  Duration max_out_of_orderness = Seconds(30);
  Duration max_future_skew = Minutes(10);

  uint64_t max_event_bytes = 1 << 20;  // a larger record is a dead letter, `too_large`

  friend bool operator==(const Rules&, const Rules&) = default;
};

}  // namespace tidemark
