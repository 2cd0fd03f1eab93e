#include "app/logging.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace tidemark {
namespace {

// The length of the well-formed UTF-8 sequence `text` begins with; 0 when it begins with none.
size_t Utf8Length(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && at(1) < 0xA0) return 0;  // overlong
  if (lead == 0xED && at(1) > 0x9F) return 0;  // surrogate
  if (lead == 0xF0 && at(1) < 0x90) return 0;  // overlong
  if (lead == 0xF4 && at(1) > 0x8F) return 0;  // behind U+10FFFF
  return length;
}

// Text from anywhere (a broker's message, a file name) as part of a line: no control characters, valid UTF-8.
void AppendEscaped(std::string_view text, bool json, std::string* out) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      *out += "\xEF\xBF\xBD";  // U+FFFD, the replacement character
    } else if (json && (first == '"' || first == '\\')) {
      *out += fmt::format("\\{}", text[0]);
    } else if (first == '\n') {
      *out += json ? "\\n" : "\n  ";
    } else if (first < 0x20 || first == 0x7F) {
      *out += json ? fmt::format("\\u{:04x}", first) : std::string(" ");
    } else {
      *out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  AppendEscaped(text, true, out);
  *out += '"';
}

void AppendJsonMember(std::string_view key, std::string_view text, std::string* out) {
  *out += fmt::format(",\"{}\":", key);
  AppendJsonString(text, out);
}

std::string Timestamp(int64_t ts_ms) {
  const std::time_t seconds = ts_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, ts_ms % 1000);
}

std::string_view ColourOf(LogLevel level) {
  static constexpr std::string_view kColours[] = {"\033[90m", "\033[36m", "\033[32m", "\033[33m", "\033[31m"};
  return kColours[static_cast<size_t>(level)];
}

struct JsonValue {
  std::string* out;
  void operator()(int64_t number) const { *out += fmt::format("{}", number); }
  void operator()(bool flag) const { *out += flag ? "true" : "false"; }
  void operator()(double number) const { *out += fmt::format("{}", number); }
  void operator()(std::string_view text) const { AppendJsonString(text, out); }
};

struct TextValue {
  std::string* out;
  void operator()(std::string_view text) const { AppendEscaped(text, false, out); }
  void operator()(const auto& value) const { *out += fmt::format("{}", value); }
};

bool WantsJson(const LogOptions& options) {
  return options.format == "json" || (options.format == "auto" && isatty(STDERR_FILENO) == 0);
}

bool WantsColour() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

LogLevel LevelNamed(std::string_view name) {
  for (const LogLevel level : {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn}) {
    if (name == ToString(level)) return level;
  }
  return LogLevel::kError;
}

int64_t NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

std::string LogLineAsJson(const LogRecord& record, int64_t ts_ms) {
  std::string line = fmt::format(R"({{"ts":"{}","level":"{}")", Timestamp(ts_ms), ToString(record.level));
  AppendJsonMember("msg", record.message, &line);
  AppendJsonMember("code", record.code, &line);
  if (!record.do_what.empty()) AppendJsonMember("do", record.do_what, &line);
  for (const LogField& field : record.fields) {
    line += fmt::format(",\"{}\":", field.key);
    std::visit(JsonValue{&line}, field.value);
  }
  if (record.suppressed > 0) line += fmt::format(",\"repeats\":{}", record.suppressed);
  return line + "}";
}

std::string LogLineAsText(const LogRecord& record, int64_t ts_ms, bool colour) {
  const std::string clock = Timestamp(ts_ms).substr(11, 8);
  std::string line = fmt::format("{} {}{:<5}{} ", clock, colour ? ColourOf(record.level) : "", ToString(record.level),
                                 colour ? "\033[0m" : "");
  AppendEscaped(record.message, false, &line);
  for (const LogField& field : record.fields) {
    line += fmt::format(" {}=", field.key);
    std::visit(TextValue{&line}, field.value);
  }
  line += fmt::format(" [{}]", record.code);
  if (record.suppressed > 0) line += fmt::format(" (and {} more before)", record.suppressed);
  if (!record.do_what.empty()) {
    line += "\n  -> ";
    AppendEscaped(record.do_what, false, &line);
  }
  return line;
}

void SetUpLogging(const LogOptions& options) {
  const bool json = WantsJson(options);
  const bool colour = WantsColour();
  auto logger = std::make_shared<spdlog::logger>("tidemark", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  SetLogLevel(LevelNamed(options.level));
  SetLogHandler([=](const LogRecord& record) {
    const std::string line = json ? LogLineAsJson(record, NowMs()) : LogLineAsText(record, NowMs(), colour);
    logger->log(spdlog::level::info, spdlog::string_view_t(line));
  });
}

}  // namespace tidemark
