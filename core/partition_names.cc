// The names of outcomes and reasons: in headers, metrics and logs, part of what is promised to users.
#include <iterator>

#include "core/partition.h"

namespace tidemark {

std::string_view ToString(DeadLetterReason reason) {
  static constexpr std::string_view kNames[] = {"invalid_json",      "invalid_utf8",     "missing_field",
                                                "invalid_timestamp", "future_timestamp", "too_large"};
  static_assert(std::size(kNames) == kDeadLetterReasonCount);
  return kNames[static_cast<size_t>(reason)];
}

std::string_view ToString(CloseReason reason) {
  static constexpr std::string_view kNames[] = {"inactivity", "end_event", "max_duration", "conversation_ended"};
  static_assert(std::size(kNames) == kCloseReasonCount);
  return kNames[static_cast<size_t>(reason)];
}

std::string_view ToString(LateReason reason) {
  static constexpr std::string_view kNames[] = {"session_closed", "behind_watermark"};
  static_assert(std::size(kNames) == kLateReasonCount);
  return kNames[static_cast<size_t>(reason)];
}

std::string_view ToString(Outcome outcome) {
  static constexpr std::string_view kNames[] = {"joined", "duplicate", "late", "dead_letter"};
  static_assert(std::size(kNames) == kOutcomeCount);
  return kNames[static_cast<size_t>(outcome)];
}

}  // namespace tidemark
