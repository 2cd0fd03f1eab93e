// `engine_bench file`: the whole engine over the lines of a file that is in memory already. With several threads each
// has the events of some of the customers, one after the other in memory, and a partition of its own, as shards have.
// Beside it, what the cores themselves give when there are several of them: arithmetic that touches no memory.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <thread>

#include "bench/cores.h"
#include "bench/counting_effects.h"
#include "bench/engine_bench.h"
#include "core/quick_hash.h"

namespace tidemark::bench {
namespace {

using Lines = std::vector<std::string_view>;

std::string Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::string bytes(static_cast<size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  Require(file.good(), "the file can be read");
  return bytes;
}

std::string_view CustomerOf(std::string_view line) {
  constexpr size_t kIdBytes = 36;
  for (const std::string_view name : {R"("customerId":")", R"("customerCookieId":")", R"("conversationId":")"}) {
    const size_t found = line.find(name);
    if (found != std::string_view::npos) return line.substr(found + name.size(), kIdBytes);
  }
  return {};
}

// What one thread takes.
struct Part {
  std::string bytes;
  Lines lines;  // in `bytes`
};

Lines LinesOf(std::string_view bytes) {
  Lines lines;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    lines.push_back(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
  return lines;
}

std::vector<Part> Split(std::string_view bytes, unsigned count) {
  std::vector<Part> parts(count);
  for (const std::string_view line : LinesOf(bytes)) {
    Part& part = parts[count == 1 ? 0 : std::hash<std::string_view>{}(CustomerOf(line)) % count];
    part.bytes.append(line).append("\n");
  }
  for (Part& part : parts) part.lines = LinesOf(part.bytes);
  return parts;
}

void Apply(const Lines& lines, CountingEffects& effects) {
  Partition partition(PartitionId{0}, Rules{});
  const auto record = [&lines](size_t i) { return Record{lines[i], Offset{static_cast<int64_t>(i)}, kAfterAllTime}; };
  ApplyAll(lines.size(), record, partition, effects);
  partition.AdvanceWatermark(kAfterAllTime, effects);
}

struct Totals {
  uint64_t events = 0;
  uint64_t sessions = 0;
  friend bool operator==(const Totals&, const Totals&) = default;
};

// Seconds from the start of all threads, each on a core of its own, to the end of the last.
double TimeInParallel(unsigned count, const std::function<void(unsigned)>& work) {
  std::vector<std::thread> threads;
  std::atomic<unsigned> waiting{0};
  std::atomic<bool> go{false};
  static const std::vector<int> kCores = AllowedCores();
  Require(count <= kCores.size(), "there is a core for each thread");
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      Require(PinTo(kCores[i]), "a thread can be pinned to its core");
      ++waiting;
      while (!go) std::this_thread::yield();
      work(i);
    });
  }
  while (waiting < count) std::this_thread::yield();
  const auto begin = std::chrono::steady_clock::now();
  go = true;
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Time(const std::vector<Part>& parts, Totals& totals) {
  std::vector<CountingEffects> effects(parts.size());
  const double seconds =
      TimeInParallel(static_cast<unsigned>(parts.size()), [&](unsigned i) { Apply(parts[i].lines, effects[i]); });
  for (const CountingEffects& effect : effects) {
    totals.events += effect.events;
    totals.sessions += effect.sessions;
  }
  return seconds;
}

// The same amount of arithmetic, whatever the number of threads.
double TimeArithmetic(unsigned threads) {
  constexpr unsigned kPasses = 400'000;
  const std::string text(16 << 10, 'x');
  std::atomic<uint64_t> result{0};
  return TimeInParallel(threads, [&](unsigned) {
    uint64_t hash = 0;
    for (unsigned i = 0; i < kPasses / threads; ++i) hash ^= QuickHash(text) + i;
    result ^= hash;
  });
}

std::string InJson(const std::map<unsigned, std::vector<double>>& seconds) {
  std::string each;
  for (const auto& [threads, times] : seconds) {
    each += fmt::format(R"({}"{}":[{:.6f}])", each.empty() ? "" : ",", threads, fmt::join(times, ","));
  }
  return "{" + each + "}";
}

}  // namespace

void RunFile(const FileArguments& arguments) {
  const std::string bytes = Load(arguments.path);
  std::map<unsigned, std::vector<Part>> splits;
  for (const unsigned threads : arguments.threads) splits[threads] = Split(bytes, threads);
  std::map<unsigned, std::vector<double>> seconds, arithmetic;
  std::optional<Totals> expected;
  for (int i = 0; i < arguments.repeat; ++i) {
    for (const auto& [threads, parts] : splits) {
      Totals totals;
      seconds[threads].push_back(Time(parts, totals));
      if (splits.size() > 1) arithmetic[threads].push_back(TimeArithmetic(threads));
      if (!expected) expected = totals;
      Require(totals == *expected && totals.events > 0, "the same events in as many sessions, however many threads");
    }
  }
  fmt::print(R"({{"events":{},"sessions":{},"bytes":{},"seconds":{},"arithmetic_seconds":{}}})"
             "\n",
             expected->events, expected->sessions, bytes.size(), InJson(seconds), InJson(arithmetic));
}

}  // namespace tidemark::bench
