// One tidemark process of the group under test, through all its lives: started, killed, frozen, told to stop, started
// again under the same instance id. Main thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/broker/tidemark_process.h"

namespace tidemark::testing {

struct Death {
  int exit_code = 0;   // 128 + the signal that ended it
  bool asked = false;  // for this very end: killed by Kill, at its crash point, or stopped by Stop with exit code 0
  std::string text;    // for the log of the run
};

class Member {
 public:
  using Clock = std::chrono::steady_clock;

  // `program`: the executable with crash points. Logs go to DIRECTORY/NAME.LIFE.err.
  Member(std::string program, std::string name, Settings settings, std::string directory);

  const std::string& name() const { return name_; }
  bool alive() const { return run_ != nullptr; }
  bool armed() const { return !crash_at_.empty(); }
  bool frozen() const { return thaw_at_.has_value(); }
  bool leaving() const { return stopping_; }
  bool due() const { return start_at_.has_value(); }
  bool Ready() { return alive() && !frozen() && !stopping_ && run_->Ready(); }
  TidemarkRun& run() { return *run_; }

  // Starts it, now or at a time, with a crash point ("NAME:N") or none; it has until `limit` to get there.
  void StartAt(Clock::time_point time, std::string crash_at = "");
  void CancelStart() { start_at_.reset(); }
  void Kill();
  void Stop();
  void FreezeUntil(Clock::time_point time);

  // Does what is due. A death since the last turn is returned; whoever calls decides about another life.
  std::optional<Death> Turn(Clock::time_point now);
  // The crash point was not reached in all this time.
  bool MissedCrash(Clock::time_point now) const { return armed() && alive() && !killed_ && now >= crash_limit_; }

 private:
  void Start(Clock::time_point now);
  Death NoteDeath(int exit_code);
  void Thaw();

  const std::string program_, name_, directory_;
  const Settings settings_;
  std::unique_ptr<TidemarkRun> run_;
  int life_ = 0;
  std::optional<Clock::time_point> start_at_, thaw_at_;
  std::string next_crash_at_, crash_at_;
  Clock::time_point crash_limit_;
  bool killed_ = false, stopping_ = false;
};

}  // namespace tidemark::testing
