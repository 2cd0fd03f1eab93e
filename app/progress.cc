#include "app/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr auto kFirstDraw = std::chrono::seconds(2);
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr size_t kNarrowest = 40;

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string Bar(double share, size_t width) {
  const size_t inner = width - 2;
  const size_t filled = static_cast<size_t>(share * static_cast<double>(inner));
  std::string bar = "[" + std::string(filled, '=');
  if (filled < inner) bar += '>' + std::string(inner - filled - 1, ' ');
  return bar + ']';
}

}  // namespace

std::string FormatCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t place = text.size(); place > 3;) text.insert(place -= 3, ",");
  return text;
}

std::string FormatSeconds(double seconds) {
  const uint64_t whole = static_cast<uint64_t>(std::llround(std::max(seconds, 0.0)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string FormatProgress(const ProgressState& state, size_t width) {
  const double rate = state.seconds > 0 ? static_cast<double>(state.events) / state.seconds : 0;
  std::string text =
      fmt::format("  {} events  {}/s", FormatCount(state.events), FormatCount(static_cast<uint64_t>(rate)));
  if (state.total == 0) return text.substr(2);
  const double share = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
  if (share > 0) text += fmt::format("  {} left", FormatSeconds(state.seconds * (1 - share) / share));
  text = fmt::format(" {:3.0f}%{}", share * 100, text);
  return width >= text.size() + 12 ? Bar(share, width - text.size()) + text : text.substr(1);
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()), next_draw_(start_ + kFirstDraw) {}

Progress::~Progress() { Clear(); }

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void Progress::Update(uint64_t done, uint64_t total, uint64_t events) {
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kRedraw;
  shown_ = true;
  const size_t width = std::max(TerminalWidth(), kNarrowest) - 1;
  Tell(fmt::format("\r{}\x1b[K", FormatProgress({done, total, events, seconds()}, width)));
}

void Progress::Clear() {
  if (shown_) Tell("\r\x1b[K");
  shown_ = false;
}

}  // namespace tidemark
