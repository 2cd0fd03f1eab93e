// Everything the core says of random inputs, on standard output: effects, digests, and the bytes of snapshots.
#include <cstdio>
#include <string>

#include "core/partition.h"
#include "core/state_record.h"
#include "tests/model/random_inputs.h"

namespace tidemark::model {
namespace {

constexpr uint64_t kStreams = 200;

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void PrintSnapshot(Partition& partition, Random& random) {
  Snapshot snapshot = BeginSnapshot(partition);
  while (TakePiece(partition, random, snapshot)) {
  }
  std::string record;
  for (const std::string& piece : snapshot.pieces) {
    EncodeStateRecord(SnapshotChunk{1, 0, piece}, record);
    Print(record);
  }
  EncodeStateRecord(
      SnapshotEnd{1, 1, snapshot.sessions, Offset{0}, 0, snapshot.watermark, snapshot.digest, snapshot.rules}, record);
  Print(record + "\n");
}

void Trace(uint64_t seed) {
  Random random(seed);
  const Inputs inputs = MakeInputs(seed);
  Partition partition(PartitionId{0}, inputs.rules);
  Transcript effects;
  for (size_t i = 0; i < inputs.list.size(); ++i) {
    Apply(inputs, i, partition, effects);
    effects.lines.push_back("digest " + std::to_string(partition.digest()));
    if (random.Percent(2)) PrintSnapshot(partition, random);
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);
  for (const std::string& line : effects.lines) Print(line + "\n");
}

}  // namespace
}  // namespace tidemark::model

int main() {
  for (uint64_t seed = 1; seed <= tidemark::model::kStreams; ++seed) tidemark::model::Trace(seed);
}
