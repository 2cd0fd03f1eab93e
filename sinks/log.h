// The log as the rest of the program sees it. Lines go to standard error; how they look is set up by app/logging.
//
//   Log(LogLevel::kWarn, "broker_away", "no broker answers", {{"topic", topic}, {"partition", 3}, {"err", error}},
//       "check kafka.brokers and the network");
//
// `code` is stable and documented: it is what alerts and searches hold on to. `do_what` is the next step for the
// reader. Well-known fields: shard, topic, partition, offset, err. Never a payload or a customer's id.
// More than a few lines with the same code within ten seconds are counted, and the count is told with the next one;
// errors that name a partition are counted for each partition. Lines below `info` are all told.
// Any thread.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace tidemark {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
std::string_view ToString(LogLevel level);  // "trace", ...

// A key with a value, both the caller's until Log returns.
struct LogField {
  LogField(std::string_view name, std::integral auto number) : key(name), value(static_cast<int64_t>(number)) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}

  std::string_view key;
  std::variant<int64_t, bool, double, std::string_view> value;
};

// One line on its way to the handler.
struct LogRecord {
  LogLevel level;
  std::string_view code;
  std::string_view message;
  std::span<const LogField> fields;
  std::string_view do_what;  // may be empty
  uint64_t suppressed;       // lines of its kind (LogKind) that were left out before this one
};

void Log(LogLevel level, std::string_view code, std::string_view message, std::initializer_list<LogField> fields = {},
         std::string_view do_what = {});

// Whether a line of this level would be written: for messages that are expensive to build.
bool LogEnabled(LogLevel level);

void SetLogLevel(LogLevel least);

// Replaces where lines go; the default writes plain text to standard error. The handler is called by one thread at a
// time. An empty handler restores the default.
using LogHandler = std::function<void(const LogRecord&)>;
void SetLogHandler(LogHandler handler);

// Writes text to standard error as it is, for people. Nobody could be told that it failed.
void Tell(std::string_view text);

// Tells the counts of lines that were left out and had no successor. Called once, before the process ends.
void FlushLog();

// Lines that are limited together.
struct LogKind {
  std::string code;
  std::optional<int64_t> partition{};  // of an error that names one
  auto operator<=>(const LogKind&) const = default;
};

// Decides which repeats are left out. A function of the times it is given: no clock. One thread at a time.
class LogLimiter {
 public:
  static constexpr int64_t kWindowMs = 10'000;
  static constexpr uint32_t kBurst = 5;  // lines per kind and window

  // nullopt: leave the line out; otherwise how many were left out since the last one that was let through.
  std::optional<uint64_t> Admit(const LogKind& kind, int64_t now_ms);

  // The kinds with left-out lines that were not told yet, and how many; forgets them.
  std::map<LogKind, uint64_t> TakeSuppressed();

 private:
  struct State {
    int64_t window_start_ms = 0;
    uint32_t admitted = 0;
    uint64_t suppressed = 0;
  };
  std::map<LogKind, State> states_;
};

}  // namespace tidemark
