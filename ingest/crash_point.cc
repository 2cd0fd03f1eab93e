#include "ingest/crash_point.h"

#ifdef TIDEMARK_CRASH_POINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace tidemark {
namespace {

struct CrashPlan {
  std::string name;  // empty: none
  std::atomic<int> left{0};

  CrashPlan() {
    const char* text = std::getenv("TIDEMARK_CRASH_AT");
    const std::string plan = text != nullptr ? text : "";
    const size_t colon = plan.find(':');
    if (colon == std::string::npos) return;
    name = plan.substr(0, colon);
    left = std::atoi(plan.c_str() + colon + 1);
  }
};

}  // namespace

void CrashPoint(std::string_view name) {
  static CrashPlan plan;
  if (name == plan.name && --plan.left == 0) kill(getpid(), SIGKILL);
}

}  // namespace tidemark

#endif
