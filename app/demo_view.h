// What the demo shows: numbers in, text out. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/partition.h"
#include "ingest/shard_snapshot.h"

namespace tidemark {

struct DemoState {
  double seconds = 0;  // since the traffic began
  double seconds_total = 0;
  int speed = 1;
  EventTime event_now;
  std::string url;  // of the HTTP listener; empty: none
  std::string file;

  uint64_t generated = 0;        // with the history
  uint64_t history = 0;          // events from before the demo began, there from its first moment
  ShardSnapshot job;             // of all shards together
  int32_t quiet_partition = -1;  // gets no events any more

  uint64_t saved = 0;  // sessions read back, each a line of the file
  uint64_t late_read = 0;
  uint64_t dead_read = 0;
  std::string last_session;  // JSON
  std::string last_session_reason;
  std::string last_late;  // why and by how much
  std::string last_dead;
};

uint64_t OpenSessions(const ShardSnapshot& job);
uint64_t ClosedSessions(const ShardSnapshot& job);

// A screen, redrawn in place on a terminal.
std::string FormatDemoScreen(const DemoState& state);
// A line, for everything else.
std::string FormatDemoLine(const DemoState& state);
std::string FormatDemoSummary(const DemoState& state);

// Whether each record and each session is accounted for; if not, says what is not.
bool DemoAddsUp(const DemoState& state, std::string& why_not);

// JSON over several lines, indented by two; at most `max_lines`.
std::string PrettyJson(std::string_view json, size_t max_lines);

}  // namespace tidemark
