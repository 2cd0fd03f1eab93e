// How many cores this process may keep busy: those it may run on, or fewer where its container has a limit of CPU time.
#pragma once

#include <string_view>

namespace tidemark {

// At least one. Any thread.
unsigned UsableCores();

// Of so many cores those that a limit leaves, at least one; part of one counts as one. `cpu_max` is what a cgroup's
// cpu.max says: a quota and a period in microseconds, or "max" for no limit. What is neither limits nothing.
unsigned CoresWithin(unsigned cores, std::string_view cpu_max);

}  // namespace tidemark
