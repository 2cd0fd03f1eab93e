// The parts of the program engine_bench. Each prints its result as a line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/population.h"

namespace tidemark::bench {

struct FileArguments {
  std::string path;
  std::vector<unsigned> threads{1};
  int repeat = 1;
};

struct PopulationArguments {
  PopulationOptions options;  // but for open_sessions
  std::vector<uint64_t> open{100'000};
  uint64_t events = 200'000;
  int repeat = 5;
};

void RunFile(const FileArguments& arguments);
void RunPopulation(const PopulationArguments& arguments);
void RunMemory(uint64_t sessions, uint64_t seed);

// Ends the program when a result is wrong.
void Require(bool ok, const std::string& what);

}  // namespace tidemark::bench
