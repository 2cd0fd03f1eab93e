#include "tests/faults/member.h"

#include <csignal>
#include <utility>

namespace tidemark::testing {
namespace {

constexpr std::chrono::seconds kCrashLimit{12};
constexpr int kKilled = 128 + SIGKILL;
constexpr size_t kTailBytes = 2'000;

std::string Tail(const std::string& text) {
  return text.size() <= kTailBytes ? text : text.substr(text.size() - kTailBytes);
}

}  // namespace

Member::Member(std::string program, std::string name, Settings settings, std::string directory)
    : program_(std::move(program)),
      name_(std::move(name)),
      directory_(std::move(directory)),
      settings_(std::move(settings)) {}

void Member::StartAt(Clock::time_point time, std::string crash_at) {
  start_at_ = time;
  next_crash_at_ = std::move(crash_at);
}

void Member::Start(Clock::time_point now) {
  start_at_.reset();
  crash_at_ = std::exchange(next_crash_at_, "");
  crash_limit_ = now + kCrashLimit;
  killed_ = stopping_ = false;
  std::vector<std::string> command = RunCommand(settings_);
  command[0] = program_;
  if (armed()) command.insert(command.begin(), {"env", "TIDEMARK_CRASH_AT=" + crash_at_});
  run_ = std::make_unique<TidemarkRun>(directory_, name_ + "." + std::to_string(++life_), command);
}

void Member::Kill() {
  killed_ = true;
  run_->process().Signal(SIGKILL);
}

// Once only: a second signal would be taken as impatience.
void Member::Stop() {
  Thaw();
  if (std::exchange(stopping_, true)) return;
  run_->process().Signal(SIGTERM);
}

void Member::FreezeUntil(Clock::time_point time) {
  thaw_at_ = time;
  run_->process().Signal(SIGSTOP);
}

void Member::Thaw() {
  if (frozen()) run_->process().Signal(SIGCONT);
  thaw_at_.reset();
}

std::optional<Death> Member::Turn(Clock::time_point now) {
  std::optional<Death> death;
  if (alive() && !run_->process().Running()) {
    death = NoteDeath(run_->process().Wait(std::chrono::seconds(0)).value_or(-1));
    run_.reset();
    thaw_at_.reset();
    crash_at_.clear();
  }
  if (frozen() && now >= *thaw_at_) Thaw();
  if (!alive() && start_at_ && now >= *start_at_) Start(now);
  return death;
}

Death Member::NoteDeath(int exit_code) {
  const std::string who = name_ + "." + std::to_string(life_);
  if (exit_code == kKilled && killed_) return {exit_code, true, who + " is dead"};
  if (exit_code == kKilled && armed()) return {exit_code, true, who + " died at " + crash_at_};
  const bool before_it_listened = exit_code == 128 + SIGTERM;
  if (stopping_ && (exit_code == 0 || before_it_listened)) return {exit_code, true, who + " has stopped"};
  return {exit_code, false, who + " ended by itself with " + std::to_string(exit_code) + ":\n" + Tail(run_->Log())};
}

}  // namespace tidemark::testing
