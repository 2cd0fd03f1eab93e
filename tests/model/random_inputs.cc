#include "tests/model/random_inputs.h"

#include "tests/model/random_stream.h"

namespace tidemark::model {

Inputs MakeInputs(uint64_t seed) {
  Random random(seed);
  const RandomStream stream = MakeRandomStream(seed);
  const RandomStream other = MakeRandomStream(seed + 1'000'000);
  Inputs inputs{stream.rules, stream.process_start, {}};
  EventTime watermark{1'763'980'200'000};
  for (const std::string& line : stream.lines) {
    inputs.list.emplace_back(line);
    watermark = watermark + Milliseconds(random.Below(5'000));
    if (random.Percent(5)) inputs.list.emplace_back(WatermarkMoved{watermark});
    if (random.Percent(1)) inputs.list.emplace_back(RulesChanged{random.Percent(50) ? other.rules : stream.rules});
  }
  return inputs;
}

void Apply(const Inputs& inputs, size_t i, Partition& partition, Effects& effects) {
  const Input& input = inputs.list[i];
  if (const auto* line = std::get_if<std::string>(&input)) {
    partition.Apply({*line, Offset{static_cast<int64_t>(i)}, inputs.process_start}, effects);
  } else if (const auto* moved = std::get_if<WatermarkMoved>(&input)) {
    partition.AdvanceWatermark(moved->watermark, effects);
  } else {
    partition.ChangeRules(std::get<RulesChanged>(input).rules, effects);
  }
}

void Transcript::OnSession(const ClosedSession& session) {
  lines.push_back("session " + std::string(session.json) + std::string(ToString(session.reason)) +
                  std::to_string(session.duplicate_events) + "," + std::to_string(session.out_of_order_events) + "," +
                  std::to_string(session.first_offset.value) + "," + std::to_string(session.last_offset.value));
}

void Transcript::OnLate(const LateEvent& late) {
  lines.push_back("late " + std::to_string(late.record.offset.value) + "," + std::to_string(late.late_by.ms));
}

void Transcript::OnDeadLetter(const DeadLetter& dead) {
  lines.push_back("dead " + std::to_string(dead.record.offset.value));
}

Snapshot BeginSnapshot(Partition& partition) {
  partition.BeginSnapshot();
  return {partition.rules(),
          partition.watermark(),
          partition.digest(),
          partition.open_sessions() + partition.tombstones(),
          {}};
}

bool TakePiece(Partition& partition, Random& random, Snapshot& snapshot) {
  return partition.NextSnapshotPiece(static_cast<size_t>(random.Between(1, 1500)), snapshot.pieces.emplace_back());
}

bool Restore(const Snapshot& snapshot, Partition& partition) {
  for (const std::string& piece : snapshot.pieces) {
    if (!partition.RestoreSessions(piece)) return false;
  }
  return partition.FinishRestore(snapshot.rules, snapshot.watermark);
}

}  // namespace tidemark::model
