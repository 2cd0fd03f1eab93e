#include "app/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace tidemark {

namespace {

// hardware_concurrency() is what the machine has, whatever a container or taskset leaves of it.
unsigned AllowedCores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool known = sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
  return known ? static_cast<unsigned>(CPU_COUNT(&allowed)) : std::thread::hardware_concurrency();
}

}  // namespace

unsigned UsableCores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");  // of the container, whose root this is
  const std::string limit{std::istreambuf_iterator<char>(file), {}};
  return CoresWithin(AllowedCores(), limit);
}

unsigned CoresWithin(unsigned cores, std::string_view cpu_max) {
  const unsigned all = std::max(1U, cores);
  std::istringstream words{std::string(cpu_max)};
  double quota = 0;
  double period = 0;
  const bool limited = (words >> quota >> period) && quota > 0 && period > 0;
  return limited && quota / period < all ? static_cast<unsigned>(std::ceil(quota / period)) : all;
}

}  // namespace tidemark
