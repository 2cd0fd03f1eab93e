// The words of the field as types: event time, duration, offset, partition.
//
// Times are milliseconds since the Unix epoch, durations are milliseconds. They are plain signed 64-bit integers
// behind distinct types, so that a time cannot be passed where a duration is meant; the arithmetic that makes sense
// (time - time = duration, time + duration = time) is all there is. Pure values: any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace tidemark {

// A span of event time in milliseconds.
struct Duration {
  int64_t ms = 0;

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }
  friend constexpr Duration operator*(Duration a, int64_t n) { return {a.ms * n}; }
};

constexpr Duration Milliseconds(int64_t n) { return {n}; }
constexpr Duration Seconds(int64_t n) { return {n * 1000}; }
constexpr Duration Minutes(int64_t n) { return {n * 60'000}; }
constexpr Duration Hours(int64_t n) { return {n * 3'600'000}; }
constexpr Duration Days(int64_t n) { return {n * 86'400'000}; }

// A point in event time: milliseconds since 1970-01-01T00:00:00Z.
struct EventTime {
  int64_t ms = 0;

  friend constexpr auto operator<=>(EventTime, EventTime) = default;
  friend constexpr EventTime operator+(EventTime t, Duration d) { return {t.ms + d.ms}; }
  friend constexpr EventTime operator-(EventTime t, Duration d) { return {t.ms - d.ms}; }
  friend constexpr Duration operator-(EventTime a, EventTime b) { return {a.ms - b.ms}; }
};

// Before every event and after every event. Far enough from the limits of the integer that adding a setting to
// them cannot overflow.
inline constexpr EventTime kBeforeAllTime{std::numeric_limits<int64_t>::min() / 4};
inline constexpr EventTime kAfterAllTime{std::numeric_limits<int64_t>::max() / 4};

// A record's place in its partition: Kafka's offset, or a file's line number counted from 0.
struct Offset {
  int64_t value = 0;

  friend constexpr auto operator<=>(Offset, Offset) = default;
};

// Kafka's partition number; 0 for a file.
struct PartitionId {
  int32_t value = 0;

  friend constexpr auto operator<=>(PartitionId, PartitionId) = default;
};

}  // namespace tidemark
