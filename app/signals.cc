#include "app/signals.h"

#include <csignal>
#include <ctime>

namespace tidemark {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

volatile std::sig_atomic_t stop_signal_noted = 0;

}  // namespace

void NoteStopSignal() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    stop_signal_noted = 1;
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool StopSignalNoted() { return stop_signal_noted != 0; }

void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

bool WaitForStopSignal(Duration timeout) {
  const sigset_t signals = StopSignals();
  const timespec wait{timeout.ms / 1000, (timeout.ms % 1000) * 1'000'000};
  return sigtimedwait(&signals, nullptr, &wait) > 0;
}

}  // namespace tidemark
