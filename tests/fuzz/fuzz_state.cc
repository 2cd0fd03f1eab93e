// Edited state records: what is loaded is the state that was written, or nothing is loaded.
//
// Half of the inputs have the checksums put right after the edits, as a mistake of our own would. Then what is loaded
// may be another state, but it must be one: it can be worked with to the end.
#include <isa-l/crc.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/partition.h"
#include "core/state_record.h"
#include "ingest/state_loader.h"
#include "tests/fuzz/edits.h"
#include "tests/model/random_inputs.h"

namespace tidemark {
namespace {

constexpr uint64_t kStreams = 16;

void Require(bool holds) {
  if (!holds) std::abort();
}

// A state topic's partition as it should be: a snapshot in chunks, and decisions after it.
struct StateLog {
  std::vector<std::string> records;
  uint64_t digest = 0;  // of the snapshot
  CommitMetadata metadata;
  Offset committed;
};

void Add(StateLog& log, const StateRecord& record) { EncodeStateRecord(record, log.records.emplace_back()); }

StateLog MakeLog(uint64_t seed) {
  model::Random random(seed);
  const model::Inputs inputs = model::MakeInputs(seed);
  Partition partition(PartitionId{0}, inputs.rules);
  model::Transcript effects;
  const size_t count = inputs.list.size() / 2;
  for (size_t i = 0; i < count; ++i) Apply(inputs, i, partition, effects);
  model::Snapshot snapshot = model::BeginSnapshot(partition);
  while (model::TakePiece(partition, random, snapshot)) {
  }
  StateLog log;
  uint32_t chunks = 0;
  for (const std::string& piece : snapshot.pieces) Add(log, SnapshotChunk{1, chunks++, piece});
  log.digest = snapshot.digest;
  log.committed = {static_cast<int64_t>(count)};
  Add(log, SnapshotEnd{1, chunks, snapshot.sessions, log.committed, 0, snapshot.watermark, log.digest, snapshot.rules});
  Add(log, Decision{1, log.committed, WatermarkMoved{snapshot.watermark + Seconds(10)}});
  Add(log, Decision{2, log.committed, RulesChanged{snapshot.rules}});
  log.metadata.token = "t";
  log.metadata.sequence = 2;
  log.metadata.decisions = 2;
  return log;
}

void PutChecksumRight(std::string& record) {
  uint32_t crc = 0;
  if (record.size() < sizeof(crc)) return;
  const size_t size = record.size() - sizeof(crc);
  crc = ~crc32_iscsi(reinterpret_cast<unsigned char*>(record.data()), static_cast<int>(size), ~0U);
  std::memcpy(record.data() + size, &crc, sizeof(crc));
}

void WorkToTheEnd(LoadedState state) {
  model::Transcript effects;
  for (const Decision& decision : state.decisions) {
    if (const auto* moved = std::get_if<WatermarkMoved>(&decision.what)) {
      state.partition.AdvanceWatermark(moved->watermark, effects);
    }
  }
  state.partition.AdvanceWatermark(kAfterAllTime, effects);
  Require(state.partition.open_sessions() == 0);
}

// What is not edited is taken, or this would test nothing.
void RequireComplete(const StateLog& log) {
  StateLoader loader(PartitionId{0}, log.committed, log.metadata);
  int64_t offset = 0;
  for (const std::string& record : log.records) {
    Require(loader.Take({PartitionId{0}, Offset{offset++}, record}).ok());
    if (!loader.complete()) continue;
    Require(loader.TakeState().partition.digest() == log.digest);
    return;
  }
  Require(false);
}

}  // namespace
}  // namespace tidemark

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tidemark;
  static const std::vector<StateLog> kLogs = [] {
    std::vector<StateLog> logs;
    for (uint64_t seed = 1; seed <= kStreams; ++seed) RequireComplete(logs.emplace_back(MakeLog(seed)));
    return logs;
  }();
  fuzz::EditScript script(data, size);
  const StateLog& log = kLogs[script.Below(kStreams)];
  const bool put_right = script.Byte() % 2 == 0;
  std::vector<std::string> records = log.records;
  while (!script.done()) script.Edit(records);
  if (put_right) {
    for (std::string& record : records) PutChecksumRight(record);
  }

  StateLoader loader(PartitionId{0}, log.committed, log.metadata);
  int64_t offset = 0;
  for (const std::string& record : records) {
    if (!loader.Take({PartitionId{0}, Offset{offset++}, record}).ok()) return 0;  // a newer format
    if (!loader.complete()) continue;
    LoadedState state = loader.TakeState();
    const bool as_written = state.partition.digest() == log.digest && state.decisions.size() == log.metadata.decisions;
    Require(put_right || as_written);
    WorkToTheEnd(std::move(state));
    return 0;
  }
  return 0;
}
