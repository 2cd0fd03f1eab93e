// What an event costs the engine, from memory: over a file's bytes by one thread or several, with a population of open
// sessions, and in bytes of memory. Each result is checked before its time counts.
//
//   engine_bench file FILE --threads 1 --threads 2    seconds of each repetition, the numbers of threads in turn
//   engine_bench population --open 100000 --open 10000000 [--attributes N] ...   nanoseconds per event, in turn
//   engine_bench memory --sessions 1000000            resident bytes and bytes of JSON of an open session
//
// The last line of the output is JSON.
#include "bench/engine_bench.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

namespace tidemark::bench {

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "engine_bench: wrong result: %s\n", what.c_str());
  std::exit(EXIT_FAILURE);
}

}  // namespace tidemark::bench

int main(int argc, char** argv) {
  using namespace tidemark::bench;  // NOLINT(google-build-using-namespace): this is their program
  CLI::App app("What an event costs the engine, from memory.");
  app.require_subcommand(1);

  FileArguments file;
  CLI::App& of_file = *app.add_subcommand("file", "The events of a file");
  of_file.add_option("FILE", file.path, "Events, one a line")->required()->check(CLI::ExistingFile);
  of_file.add_option("--threads", file.threads, "Threads, each on a core of its own; several are taken in turn");
  of_file.add_option("--repeat", file.repeat, "Repetitions")->capture_default_str();
  of_file.callback([&] { RunFile(file); });

  PopulationArguments population;
  CLI::App& of_population = *app.add_subcommand("population", "A steady number of open sessions");
  of_population.add_option("--open", population.open, "Open sessions; several are taken in turn");
  of_population.add_option("--events", population.events, "Events of a repetition")->capture_default_str();
  of_population.add_option("--repeat", population.repeat, "Repetitions")->capture_default_str();
  of_population.add_option("--extra-bytes", population.options.extra_bytes, "More per event, not read by any rule");
  of_population.add_option("--attributes", population.options.attributes, "More per event");
  of_population.add_option("--disorder", population.options.disorder, "Share of events 1 to 25 s old");
  of_population.add_option("--partitions", population.options.partitions, "By one thread")->check(CLI::Range(1, 10000));
  of_population.add_flag("--small", population.options.small, "Events of 300 bytes");
  of_population.callback([&] { RunPopulation(population); });

  uint64_t sessions = 1'000'000, seed = 1;
  CLI::App& of_memory = *app.add_subcommand("memory", "Resident bytes of an open session");
  of_memory.add_option("--sessions", sessions, "Open at the end, about")->capture_default_str();
  of_memory.add_option("--seed", seed, "Of the traffic")->capture_default_str();
  of_memory.callback([&] { RunMemory(sessions, seed); });

  CLI11_PARSE(app, argc, argv);
  return EXIT_SUCCESS;
}
