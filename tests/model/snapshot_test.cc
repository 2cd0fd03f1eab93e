// A partition that is restored from a snapshot goes on exactly as the one the snapshot was taken of.
//
// The snapshot is taken in small pieces while the partition goes on, as in production: sessions change, merge, close
// and open meanwhile. The inputs are the random streams, with moves of the watermark and changes of the rules between
// them.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "core/partition.h"
#include "core/state_record.h"
#include "tests/model/random_stream.h"

namespace tidemark::model {
namespace {

constexpr uint64_t kStreams = 400;

// An input of a partition: a line, or a decision.
using Input = std::variant<std::string, WatermarkMoved, RulesChanged>;

// Every effect as text.
class Transcript : public Effects {
 public:
  void OnSession(const ClosedSession& session) override {
    Add("session", std::string(session.json) + std::string(ToString(session.reason)) +
                       std::to_string(session.duplicate_events) + "," + std::to_string(session.out_of_order_events) +
                       "," + std::to_string(session.first_offset.value) + "," +
                       std::to_string(session.last_offset.value));
  }
  void OnLate(const LateEvent& late) override {
    Add("late", std::to_string(late.record.offset.value) + "," + std::to_string(late.late_by.ms));
  }
  void OnDeadLetter(const DeadLetter& dead) override { Add("dead", std::to_string(dead.record.offset.value)); }

  std::vector<std::string> lines;

 private:
  void Add(const std::string& what, const std::string& text) { lines.push_back(what + " " + text); }
};

struct Inputs {
  Rules rules;
  EventTime process_start;
  std::vector<Input> list;
};

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

struct Snapshot {
  Rules rules;
  EventTime watermark;
  uint64_t digest = 0;
  uint64_t sessions = 0;
  std::vector<std::string> pieces;
};

Snapshot BeginSnapshot(Partition& partition) {
  partition.BeginSnapshot();
  return {partition.rules(),
          partition.watermark(),
          partition.digest(),
          partition.open_sessions() + partition.tombstones(),
          {}};
}

// What a live partition did after `begin` inputs, with a snapshot of the state at that point.
struct LiveRun {
  Snapshot snapshot;
  Transcript after;
  std::vector<uint64_t> digests;  // after each input
};

LiveRun RunLive(const Inputs& inputs, size_t begin, Random& random) {
  Partition partition(PartitionId{0}, inputs.rules);
  Transcript before;
  for (size_t i = 0; i < begin; ++i) Apply(inputs, i, partition, before);
  if (random.Percent(30)) {  // one that comes to nothing
    partition.BeginSnapshot();
    std::string piece;
    partition.NextSnapshotPiece(300, piece);
    partition.AbandonSnapshot();
  }
  LiveRun run{BeginSnapshot(partition), {}, {}};
  bool more = true;
  const auto take_piece = [&] {
    more =
        partition.NextSnapshotPiece(static_cast<size_t>(random.Between(1, 1500)), run.snapshot.pieces.emplace_back());
  };
  for (size_t i = begin; i < inputs.list.size(); ++i) {
    if (more && random.Percent(40)) take_piece();
    Apply(inputs, i, partition, run.after);
    run.digests.push_back(partition.digest());
  }
  while (more) take_piece();
  return run;
}

bool Restore(const Snapshot& snapshot, Partition& partition) {
  for (const std::string& piece : snapshot.pieces) {
    if (!partition.RestoreSessions(piece)) return false;
  }
  return partition.FinishRestore(snapshot.rules, snapshot.watermark);
}

TEST(SnapshotTest, ARestoredPartitionGoesOnAsIfNothingHadHappened) {
  for (uint64_t seed = 1; seed <= kStreams && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Inputs inputs = MakeInputs(seed);
    const auto begin = static_cast<size_t>(random.Below(static_cast<int64_t>(inputs.list.size())));
    const LiveRun live = RunLive(inputs, begin, random);

    Partition partition(PartitionId{0}, Rules{});
    ASSERT_TRUE(Restore(live.snapshot, partition));
    EXPECT_EQ(partition.digest(), live.snapshot.digest);
    EXPECT_EQ(partition.open_sessions() + partition.tombstones(), live.snapshot.sessions);
    Transcript after;
    for (size_t i = begin; i < inputs.list.size(); ++i) {
      Apply(inputs, i, partition, after);
      ASSERT_EQ(partition.digest(), live.digests[i - begin])
          << "after input " << i << " kind " << inputs.list[i].index() << " begin " << begin << " open "
          << partition.open_sessions() << " tomb " << partition.tombstones() << " w " << partition.watermark().ms;
    }
    EXPECT_EQ(after.lines, live.after.lines);
  }
}

TEST(SnapshotTest, DamagedBytesAreRefusedOrHarmless) {
  for (uint64_t seed = 1; seed <= kStreams; ++seed) {
    Random random(seed);
    const Inputs inputs = MakeInputs(seed);
    Snapshot snapshot = RunLive(inputs, inputs.list.size() / 2, random).snapshot;
    for (std::string& piece : snapshot.pieces) {
      if (piece.empty()) continue;
      const auto place = static_cast<size_t>(random.Below(static_cast<int64_t>(piece.size())));
      if (random.Percent(20)) piece.resize(place);
      if (place < piece.size()) piece[place] = static_cast<char>(random.Below(256));
    }
    Partition partition(PartitionId{0}, Rules{});
    if (!Restore(snapshot, partition)) continue;
    Transcript effects;
    for (size_t i = inputs.list.size() / 2; i < inputs.list.size(); ++i) Apply(inputs, i, partition, effects);
    partition.AdvanceWatermark(kAfterAllTime, effects);
    EXPECT_EQ(partition.open_sessions(), 0U);
  }
}

}  // namespace
}  // namespace tidemark::model
