#include "sinks/log.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <utility>

namespace tidemark {
namespace {

std::atomic<LogLevel> least_level{LogLevel::kInfo};

// The one owner of the limiter and the handler; lines are handed out under its lock, so that they never mix.
struct Outlet {
  std::mutex mutex;
  LogLimiter limiter;
  LogHandler handler;
};

Outlet& TheOutlet() {
  static Outlet* outlet = new Outlet;  // lives as long as the last thread that logs
  return *outlet;
}

int64_t SteadyNowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void WritePlain(const LogRecord& record) {
  std::string line = fmt::format("{} {}: {}", ToString(record.level), record.code, record.message);
  for (const LogField& field : record.fields) {
    std::visit([&](const auto& value) { line += fmt::format(" {}={}", field.key, value); }, field.value);
  }
  Tell(line + fmt::format("{}{}\n", record.do_what.empty() ? "" : "; ", record.do_what));
}

// Which lines are limited together: those of a code, and of an error that names its partition, those of a code and a
// partition, since each partition that fails must be seen.
LogKind KindOf(LogLevel level, std::string_view code, std::initializer_list<LogField> fields) {
  LogKind kind{std::string(code), std::nullopt};
  if (level != LogLevel::kError) return kind;
  for (const LogField& field : fields) {
    const auto* number = std::get_if<int64_t>(&field.value);
    if (field.key == "partition" && number != nullptr) kind.partition = *number;
  }
  return kind;
}

void HandOut(const Outlet& outlet, const LogRecord& record) {
  if (outlet.handler) {
    outlet.handler(record);
  } else {
    WritePlain(record);
  }
}

}  // namespace

std::string_view ToString(LogLevel level) {
  static constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error"};
  return kNames[static_cast<size_t>(level)];
}

bool LogEnabled(LogLevel level) { return level >= least_level.load(std::memory_order_relaxed); }

void Tell(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void SetLogLevel(LogLevel least) { least_level.store(least, std::memory_order_relaxed); }

void SetLogHandler(LogHandler handler) {
  Outlet& outlet = TheOutlet();
  const std::lock_guard lock(outlet.mutex);
  outlet.handler = std::move(handler);
}

void Log(LogLevel level, std::string_view code, std::string_view message, std::initializer_list<LogField> fields,
         std::string_view do_what) {
  if (!LogEnabled(level)) return;
  Outlet& outlet = TheOutlet();
  const std::lock_guard lock(outlet.mutex);
  // Who asks for the lines below `info` wants all of them.
  const std::optional<uint64_t> suppressed =
      level < LogLevel::kInfo ? 0 : outlet.limiter.Admit(KindOf(level, code, fields), SteadyNowMs());
  if (!suppressed) return;
  HandOut(outlet, {level, code, message, {fields.begin(), fields.size()}, do_what, *suppressed});
}

void FlushLog() {
  Outlet& outlet = TheOutlet();
  const std::lock_guard lock(outlet.mutex);
  for (const auto& [kind, count] : outlet.limiter.TakeSuppressed()) {
    HandOut(outlet, {LogLevel::kInfo, kind.code, "more lines like this were left out", {}, {}, count});
  }
}

std::optional<uint64_t> LogLimiter::Admit(const LogKind& kind, int64_t now_ms) {
  State& state = states_[kind];
  if (state.admitted == 0 || now_ms - state.window_start_ms >= kWindowMs) {
    state.window_start_ms = now_ms;
    state.admitted = 0;
  }
  if (state.admitted == kBurst) {
    ++state.suppressed;
    return std::nullopt;
  }
  ++state.admitted;
  return std::exchange(state.suppressed, 0);
}

std::map<LogKind, uint64_t> LogLimiter::TakeSuppressed() {
  std::map<LogKind, uint64_t> counts;
  for (auto& [kind, state] : states_) {
    if (state.suppressed > 0) counts[kind] = std::exchange(state.suppressed, 0);
  }
  return counts;
}

}  // namespace tidemark
