// Named places at which a test may have the process killed, as if the power had failed there.
//
// TIDEMARK_CRASH_AT=NAME:N in the environment kills the process (SIGKILL: nothing is flushed, no destructor runs) when
// the place NAME is reached for the N-th time by any thread. That is compiled into the tests' own executable only,
// which defines TIDEMARK_CRASH_POINTS; in the product a crash point is an empty function.
// Any thread.
#pragma once

#include <string_view>

namespace tidemark {

#ifdef TIDEMARK_CRASH_POINTS
void CrashPoint(std::string_view name);
#else
inline void CrashPoint(std::string_view) {}
#endif

}  // namespace tidemark
