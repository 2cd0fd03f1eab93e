#include "ingest/snapshotter.h"

#include <algorithm>
#include <utility>

#include "ingest/crash_point.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr uint64_t kPieceBytes = 256 << 10;
constexpr int kMostPiecesPerTurn = 4;
// How fast records are assumed to be replayed, for recovery_target.
constexpr uint64_t kReplayBytesPerSecond = 100 << 20;
// To ask a leader that does not answer takes seconds.
constexpr Duration kPauseAfterSilence = Seconds(30);

}  // namespace

Snapshotter::Snapshotter(const KafkaOptions& kafka, Broker& broker, const Clock& clock, ShardOutput& output,
                         ShardSnapshot& totals)
    : kafka_(kafka), broker_(broker), clock_(clock), output_(output), totals_(totals) {}

void Snapshotter::AfterCommit(Works& works) {
  if (finished_) {
    const auto work = works.find(*finished_);
    if (work != works.end() && work->second.older_snapshot()) {
      broker_.TruncateState(*finished_, *work->second.older_snapshot());
    }
    finished_.reset();
  }
  if (active_ || clock_.Now() < not_before_) return;
  PartitionWork* due = NextDue(works);
  if (due == nullptr) return;
  if (due->has_unwritten_move()) {
    due->SetDirty();  // not the state of a commit: of the next one it is
  } else {
    Begin(*due);
  }
}

PartitionWork* Snapshotter::NextDue(Works& works) {
  const MonotonicTime now = clock_.Now();
  PartitionWork* largest = nullptr;
  PartitionWork* oldest = nullptr;
  uint64_t bytes = 0;
  for (auto& [id, work] : works) {
    if (!work.running() || work.bytes_since_snapshot() == 0) continue;
    const MonotonicTime last = last_.try_emplace(id, now).first->second;
    if (oldest == nullptr || last < last_.at(oldest->id())) oldest = &work;
    bytes += work.bytes_since_snapshot();
    if (largest == nullptr || work.bytes_since_snapshot() > largest->bytes_since_snapshot()) largest = &work;
  }
  if (oldest == nullptr) return nullptr;
  const Duration waits = now - last_.at(oldest->id());
  const uint64_t limit = kReplayBytesPerSecond * static_cast<uint64_t>(kafka_.recovery_target.ms) / 1000;
  if (bytes > limit && waits < kafka_.snapshot_interval * 2) return largest;
  return waits >= kafka_.snapshot_interval ? oldest : nullptr;
}

bool Snapshotter::Begin(PartitionWork& work) {
  last_[work.id()] = clock_.Now();
  const int64_t asked = clock_.NowMicroseconds();
  const auto state_end = broker_.StateEnd(work.id());
  NotePause(clock_.NowMicroseconds() - asked);  // to wait for the answer keeps the shard from its records, too
  if (!state_end.ok()) {
    not_before_ = clock_.Now() + kPauseAfterSilence;
    return false;
  }
  active_ = Active{work.id(), *state_end, work.DescribeState()};
  work.live().BeginSnapshot();
  work.NoteSnapshotBegun();
  CrashPoint("snapshot.begin");
  return true;
}

absl::Status Snapshotter::WriteSome(Works& works) {
  if (!active_) return absl::OkStatus();
  PartitionWork& work = works.at(active_->partition);
  const int64_t began = clock_.NowMicroseconds();
  absl::Status status;
  bool more = true;
  for (int pieces = 0; pieces < kMostPiecesPerTurn && more && status.ok(); ++pieces) {
    if (pieces > 0 && work.live().snapshot_backlog() < kPieceBytes) break;
    status = WritePiece(work, more);
  }
  work.SetDirty();  // so that the group's generation guards these records, too
  if (status.ok() && !more) status = Finish(work);
  NotePause(clock_.NowMicroseconds() - began);
  return status;
}

absl::Status Snapshotter::WritePiece(PartitionWork& work, bool& more) {
  more = work.live().NextSnapshotPiece(std::min(kPieceBytes, broker_.max_record_bytes() / 2), piece_);
  if (piece_.empty()) return absl::OkStatus();
  totals_.snapshot_bytes += piece_.size();
  const absl::Status status =
      output_.WriteState(work.id(), SnapshotChunk{active_->end.snapshot, active_->end.chunks++, piece_});
  CrashPoint("snapshot.chunk");
  return status;
}

void Snapshotter::NotePause(int64_t microseconds) {
  const auto bucket = std::lower_bound(kSnapshotPauseBucketsUs.begin(), kSnapshotPauseBucketsUs.end(), microseconds);
  ++totals_.snapshot_pause_buckets[static_cast<size_t>(bucket - kSnapshotPauseBucketsUs.begin())];
  totals_.snapshot_pause_us_total += static_cast<uint64_t>(microseconds);
}

absl::Status Snapshotter::Finish(PartitionWork& work) {
  const Active done = *std::exchange(active_, std::nullopt);
  work.NoteSnapshotWritten(done.begin);
  finished_ = done.partition;
  ++totals_.snapshots;
  Log(LogLevel::kDebug, "snapshot_written", "a snapshot is complete",
      {{"partition", done.partition.value},
       {"offset", done.end.next.value},
       {"open_sessions", done.end.sessions},
       {"chunks", done.end.chunks}});
  const absl::Status status = output_.WriteState(work.id(), done.end);
  CrashPoint("snapshot.end");
  return status;
}

void Snapshotter::Abandon(Works& works) {
  finished_.reset();
  if (!active_) return;
  const auto work = works.find(active_->partition);
  if (work != works.end() && work->second.partition() != nullptr) work->second.live().AbandonSnapshot();
  active_.reset();
}

}  // namespace tidemark
