#include "app/demo_view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "app/progress.h"

namespace tidemark {
namespace {

constexpr size_t kMaxSessionLines = 24;

std::string Clock(EventTime time) {
  if (time <= kBeforeAllTime) return "-";
  const auto seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:%H:%M:%S}", utc);
}

uint64_t Count(const DemoState& state, Outcome outcome) {
  return state.job.counters.outcomes[static_cast<size_t>(outcome)];
}

// "inactivity 98, end_event 13"; nothing that is zero.
template <typename Reason, size_t N>
std::string Reasons(const uint64_t (&counts)[N]) {
  std::string text;
  for (size_t i = 0; i < N; ++i) {
    if (counts[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", ToString(static_cast<Reason>(i)), FormatCount(counts[i]));
  }
  return text.empty() ? "none" : text;
}

std::string ClosedReasons(const ShardSnapshot& job) {
  uint64_t counts[kCloseReasonCount] = {};
  for (const auto& of_type : job.counters.sessions_closed) {
    for (size_t i = 0; i < kCloseReasonCount; ++i) counts[i] += of_type[i];
  }
  return Reasons<CloseReason>(counts);
}

uint64_t OpenedSessions(const ShardSnapshot& job) {
  uint64_t total = 0;
  for (const uint64_t count : job.counters.sessions_opened) total += count;
  return total;
}

std::string Partitions(const DemoState& state) {
  std::string text;
  for (const PartitionSnapshot& partition : state.job.partitions) {
    const bool quiet = partition.partition.value == state.quiet_partition;
    const std::string lag = partition.lag_records ? FormatCount(static_cast<uint64_t>(*partition.lag_records)) : "?";
    text += fmt::format("    partition {}   watermark {}   behind by {} records{}\n", partition.partition.value,
                        Clock(partition.watermark), lag, quiet ? "   quiet: its watermark follows the clock" : "");
  }
  return text;
}

std::string OrNone(const std::string& text) { return text.empty() ? "none yet" : text; }

}  // namespace

uint64_t OpenSessions(const ShardSnapshot& job) {
  uint64_t total = 0;
  for (const uint64_t count : job.open_sessions) total += count;
  return total;
}

uint64_t ClosedSessions(const ShardSnapshot& job) {
  uint64_t total = 0;
  for (const auto& of_type : job.counters.sessions_closed) {
    for (const uint64_t count : of_type) total += count;
  }
  return total;
}

std::string FormatDemoScreen(const DemoState& state) {
  const double rate = state.seconds > 0 ? static_cast<double>(state.generated - state.history) / state.seconds : 0;
  std::string text = fmt::format("tidemark demo   {:.0f} s of {:.0f} s   event time {} ({} times faster)   {}\n\n",
                                 state.seconds, state.seconds_total, Clock(state.event_now), state.speed,
                                 state.url.empty() ? "" : state.url + "/metrics");
  text += fmt::format("  events in     {} ({:.0f}/s)   joined {}   duplicate {}   late {}   dead letters {}\n",
                      FormatCount(state.generated), rate, FormatCount(Count(state, Outcome::kJoined)),
                      FormatCount(Count(state, Outcome::kDuplicate)), FormatCount(Count(state, Outcome::kLate)),
                      FormatCount(Count(state, Outcome::kDeadLetter)));
  text += fmt::format("  sessions      open {}   closed {}: {}\n", FormatCount(OpenSessions(state.job)),
                      FormatCount(ClosedSessions(state.job)), ClosedReasons(state.job));
  text += fmt::format("  sessions out  {} in {}\n", FormatCount(state.saved), state.file);
  text += Partitions(state);
  text += fmt::format("  last late event   {}\n", OrNone(state.last_late));
  text += fmt::format("  last dead letter  {}\n\n", OrNone(state.last_dead));
  if (state.last_session.empty()) return text + "  the last session  none yet\n";
  return text + fmt::format("  the last session, closed by {}\n{}", state.last_session_reason,
                            PrettyJson(state.last_session, kMaxSessionLines));
}

std::string FormatDemoLine(const DemoState& state) {
  return fmt::format(
      "{:3.0f} s  event time {}  events {}  joined {}  duplicate {}  late {}  dead {}  sessions open {}  closed {}  "
      "saved {}\n",
      state.seconds, Clock(state.event_now), state.generated, Count(state, Outcome::kJoined),
      Count(state, Outcome::kDuplicate), Count(state, Outcome::kLate), Count(state, Outcome::kDeadLetter),
      OpenSessions(state.job), ClosedSessions(state.job), state.saved);
}

std::string FormatDemoSummary(const DemoState& state) {
  const PartitionCounters& counters = state.job.counters;
  std::string text =
      fmt::format("\n{:>9}  events generated, {} of them as history; {} consumed\n", FormatCount(state.generated),
                  FormatCount(state.history), FormatCount(counters.records));
  text += fmt::format("{:>9}    joined a session\n", FormatCount(Count(state, Outcome::kJoined)));
  text += fmt::format("{:>9}    duplicates\n", FormatCount(Count(state, Outcome::kDuplicate)));
  text +=
      fmt::format("{:>9}    late: {}\n", FormatCount(Count(state, Outcome::kLate)), Reasons<LateReason>(counters.late));
  text += fmt::format("{:>9}    dead letters: {}\n", FormatCount(Count(state, Outcome::kDeadLetter)),
                      Reasons<DeadLetterReason>(counters.dead_letters));
  text += fmt::format("{:>9}  sessions opened\n", FormatCount(OpenedSessions(state.job)));
  text += fmt::format("{:>9}    closed: {}\n", FormatCount(ClosedSessions(state.job)), ClosedReasons(state.job));
  text += fmt::format("{:>9}    merged into another\n", FormatCount(counters.sessions_merged));
  text += fmt::format("{:>9}    still open at the end\n", FormatCount(OpenSessions(state.job)));
  text += fmt::format("{:>9}  sessions saved in {}\n", FormatCount(state.saved), state.file);
  return text;
}

bool DemoAddsUp(const DemoState& state, std::string& why_not) {
  const auto check = [&why_not](const char* what, uint64_t a, uint64_t b) {
    if (a != b) why_not += fmt::format("{}{}: {} and {}", why_not.empty() ? "" : "; ", what, a, b);
  };
  const PartitionCounters& counters = state.job.counters;
  uint64_t outcomes = 0;
  for (const uint64_t count : counters.outcomes) outcomes += count;
  check("events generated and consumed", state.generated, counters.records);
  check("events consumed and their outcomes", counters.records, outcomes);
  check("sessions opened and what became of them", OpenedSessions(state.job),
        ClosedSessions(state.job) + counters.sessions_merged + OpenSessions(state.job));
  check("sessions closed and saved", ClosedSessions(state.job), state.saved);
  check("late events counted and read back", Count(state, Outcome::kLate), state.late_read);
  check("dead letters counted and read back", Count(state, Outcome::kDeadLetter), state.dead_read);
  return why_not.empty();
}

std::string PrettyJson(std::string_view json, size_t max_lines) {
  std::string text = "    ";
  size_t depth = 0;
  size_t lines = 1;
  bool in_string = false;
  const auto new_line = [&] {
    ++lines;
    text += '\n';
    text.append(4 + 2 * depth, ' ');
  };
  for (size_t i = 0; i < json.size() && lines <= max_lines; ++i) {
    const char c = json[i];
    const bool escape = in_string && c == '\\' && i + 1 < json.size();
    if (c == '"') in_string = !in_string;
    const bool closes = !in_string && (c == '}' || c == ']');
    const bool empty = closes && i > 0 && (json[i - 1] == '{' || json[i - 1] == '[');
    if (closes) --depth;
    if (closes && !empty) new_line();
    text += c;
    if (escape) text += json[++i];
    if (in_string || c == '"') continue;
    if (c == ':') text += ' ';
    const bool opens = c == '{' || c == '[';
    if (opens) ++depth;
    const bool opens_empty = opens && i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
    if ((opens && !opens_empty) || c == ',') new_line();
  }
  if (lines > max_lines) text += "...";
  return text + '\n';
}

}  // namespace tidemark
