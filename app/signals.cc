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

}  // namespace

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
