// The cores that a benchmark pins its threads and programs to: those it was started on, in order.
#pragma once

#include <sched.h>

#include <vector>

namespace tidemark::bench {

inline std::vector<int> AllowedCores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed)) cores.push_back(core);
  }
  return cores;
}

// The calling thread, and the threads and programs that it starts from here on, run on this core alone. False: they
// cannot.
inline bool PinTo(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return sched_setaffinity(0, sizeof(cores), &cores) == 0;
}

}  // namespace tidemark::bench
