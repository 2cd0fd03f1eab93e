// A progress bar on standard error: how far, how fast, how long still. It shows itself only on a terminal, and only
// when the work takes longer than a moment. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

// Where the work is. `done` of `total` in the unit of the work (bytes, events); total 0: not known.
struct ProgressState {
  uint64_t done = 0;
  uint64_t total = 0;
  uint64_t events = 0;
  double seconds = 0;
};

// `[=====>     ] 45%  1,234,567 events  410,000/s  12 s left`, at most `width` columns; the bar takes what is left.
std::string FormatProgress(const ProgressState& state, size_t width);

// 1,234,567
std::string FormatCount(uint64_t count);

// `12 s`, `3 min 05 s`, `2 h 07 min`
std::string FormatSeconds(double seconds);

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Redraws when it is time; cheap enough for every batch.
  void Update(uint64_t done, uint64_t total, uint64_t events);

  // Takes the bar away, so that other lines can be written. The next Update draws it again.
  void Clear();

  double seconds() const;  // since construction

 private:
  using Clock = std::chrono::steady_clock;

  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_;
  Clock::time_point next_draw_;
};

}  // namespace tidemark
