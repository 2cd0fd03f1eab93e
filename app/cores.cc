#include "app/cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace tidemark {

unsigned UsableCores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");  // of the container, whose root this is
  const std::string limit{std::istreambuf_iterator<char>(file), {}};
  return CoresWithin(std::thread::hardware_concurrency(), limit);
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
