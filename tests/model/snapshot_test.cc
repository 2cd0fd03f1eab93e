// A partition that is restored from a snapshot goes on exactly as the one the snapshot was taken of.
//
// The snapshot is taken in small pieces while the partition goes on, as in production: sessions change, merge, close
// and open meanwhile. The inputs are the random streams, with moves of the watermark and changes of the rules between
// them.
#include <gtest/gtest.h>

#include <vector>

#include "core/partition.h"
#include "tests/model/random_inputs.h"

namespace tidemark::model {
namespace {

constexpr uint64_t kStreams = 400;

// What a live partition did after `begin` inputs, with a snapshot of the state at that point.
struct LiveRun {
  Snapshot snapshot;
  Transcript after;
  std::vector<uint64_t> digests;  // after each input
};

// What is announced must not matter, whether it comes next, later, after other decisions or never.
void AnnounceSome(const Inputs& inputs, size_t next, Partition& partition, Random& random) {
  for (size_t i = next; i < inputs.list.size() && random.Percent(70); i += random.Percent(90) ? 1 : 2) {
    const auto* line = std::get_if<std::string>(&inputs.list[i]);
    if (line != nullptr) partition.Announce({*line, Offset{static_cast<int64_t>(i)}, inputs.process_start});
  }
}

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
  const auto take_piece = [&] { more = TakePiece(partition, random, run.snapshot); };
  for (size_t i = begin; i < inputs.list.size(); ++i) {
    if (more && random.Percent(40)) take_piece();
    if (random.Percent(50)) AnnounceSome(inputs, i, partition, random);
    Apply(inputs, i, partition, run.after);
    run.digests.push_back(partition.digest());
  }
  while (more) take_piece();
  return run;
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
