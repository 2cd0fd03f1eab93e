// Event times as text: reading the contract's date forms (spec section 1, "event time") and writing the one form
// that is emitted. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/types.h"

namespace tidemark {

// The latest event time that is accepted: 9999-12-31T23:59:59.999Z. The earliest is 0.
inline constexpr EventTime kLatestEventTime{253'402'300'799'999};

// `yyyy-MM-ddTHH:mm:ss[.f…](Z|±hh:mm|±hhmm)`, cut to milliseconds. Nothing where the form, the calendar, the offset
// (up to 23:59) or the range (1970 up to the year 9999) is not kept.
std::optional<EventTime> ParseTimestamp(std::string_view text);

// Appends `yyyy-MM-ddTHH:mm:ss.SSSZ`. `time` must not be before 1970.
void AppendTimestamp(EventTime time, std::string& out);

// The same, written at `p`, where there is room for kLongestTimestamp characters; returns where it ends.
inline constexpr size_t kLongestTimestamp = 25;
char* PutTimestamp(EventTime time, char* p);

}  // namespace tidemark
