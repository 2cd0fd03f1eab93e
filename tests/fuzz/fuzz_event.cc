// Edited events: whatever the bytes, each record has one outcome, and all sessions close.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/partition.h"
#include "tests/fuzz/edits.h"
#include "tests/model/random_inputs.h"

namespace tidemark {
namespace {

constexpr uint64_t kStreams = 16;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> SomeLines(const model::Inputs& inputs, fuzz::EditScript& script) {
  std::vector<std::string> lines;
  const size_t first = script.Below(inputs.list.size());
  for (size_t i = first; i < inputs.list.size() && lines.size() < 8; ++i) {
    if (const auto* line = std::get_if<std::string>(&inputs.list[i])) lines.push_back(*line);
  }
  return lines;
}

}  // namespace
}  // namespace tidemark

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tidemark;
  static const std::vector<model::Inputs> kInputs = [] {
    std::vector<model::Inputs> inputs;
    for (uint64_t seed = 1; seed <= kStreams; ++seed) inputs.push_back(model::MakeInputs(seed));
    return inputs;
  }();
  fuzz::EditScript script(data, size);
  const model::Inputs& inputs = kInputs[script.Below(kStreams)];
  std::vector<std::string> lines = SomeLines(inputs, script);
  while (!script.done()) script.Edit(lines);

  Partition partition(PartitionId{0}, inputs.rules);
  model::Transcript effects;
  int64_t offset = 0;
  for (const std::string& line : lines) {
    const std::string exact(line.data(), line.size());  // so that a sanitizer sees what is read behind the end
    partition.Apply({exact, Offset{offset++}, inputs.process_start}, effects);
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);
  const PartitionCounters& counters = partition.counters();
  uint64_t outcomes = 0;
  for (const uint64_t count : counters.outcomes) outcomes += count;
  Require(outcomes == lines.size() && counters.records == lines.size());
  Require(partition.open_sessions() == 0);
  return 0;
}
