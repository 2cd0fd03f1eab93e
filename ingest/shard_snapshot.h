// What a shard shows of itself: plain numbers, copied out between batches. The copy belongs to whoever asked for it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/partition.h"
#include "core/types.h"

namespace tidemark {

// Where a partition is on its way to work; see PartitionWork.
enum class WorkState : uint8_t { kWaiting, kLoading, kReplaying, kRunning, kFailed };
inline constexpr int kWorkStateCount = 5;

// How the way to work ended.
enum class RecoveryResult : uint8_t { kOk, kEmpty, kFailed };
inline constexpr int kRecoveryResultCount = 3;

// How a commit ended. Doubtful: the answer was slow or did not come; what the group has committed decides.
enum class CommitResult : uint8_t { kOk, kAborted, kDoubtful };
inline constexpr int kCommitResultCount = 3;

// Upper bounds in milliseconds; one more bucket for what is longer.
inline constexpr std::array<int64_t, 11> kCommitBucketsMs{5, 10, 25, 50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000};

// Upper bounds in microseconds of how long a shard was kept from its records by one turn of a snapshot; and one more.
inline constexpr std::array<int64_t, 8> kSnapshotPauseBucketsUs{100, 500, 1'000, 2'500, 5'000, 10'000, 50'000, 250'000};

struct PartitionSnapshot {
  PartitionId partition;
  WorkState state = WorkState::kWaiting;
  Offset next;
  std::optional<int64_t> lag_records;  // nothing: the end is not known yet
  std::optional<Duration> lag;         // age of the last record read; 0 at the end
  EventTime watermark = kBeforeAllTime;
  int64_t replay_remaining = 0;  // offsets between here and the commit it is replayed to
};

struct ShardSnapshot {
  uint32_t shard = 0;
  bool in_group = false;       // the group has given it an assignment, perhaps an empty one
  PartitionCounters counters;  // of all partitions it has ever worked on, as committed
  std::array<uint64_t, kTypeRulesCount> open_sessions{};
  uint64_t tombstones = 0;
  uint64_t state_bytes = 0;
  std::vector<PartitionSnapshot> partitions;
  std::array<uint64_t, kCommitResultCount> commits{};
  std::array<uint64_t, kCommitBucketsMs.size() + 1> commit_buckets{};
  uint64_t commit_ms_total = 0;
  EventTime last_commit;  // the machine's time; before the first one, when the shard began
  uint64_t rebalances = 0;
  uint64_t records_dropped = 0;        // not owned, or already taken: handed out twice by the client
  uint64_t records_without_value = 0;  // written without their value: over message.max.bytes
  std::array<uint64_t, kRecoveryResultCount> recoveries{};
  uint64_t recovery_ms_total = 0;
  uint64_t records_replayed = 0;
  uint64_t state_records_damaged = 0;
  uint64_t snapshots_rejected = 0;
  uint64_t commits_lost = 0;   // acknowledged, but the group has an older one
  uint64_t audits_failed = 0;  // what the group has committed was not what this shard committed last
  uint64_t snapshots = 0;      // completed
  uint64_t snapshot_bytes = 0;
  std::array<uint64_t, kSnapshotPauseBucketsUs.size() + 1> snapshot_pause_buckets{};  // of a turn for a snapshot
  uint64_t snapshot_pause_us_total = 0;
};

// Written by the shard's thread, read by a watchdog: milliseconds of the shard's clock.
struct ShardHeartbeat {
  static constexpr int64_t kNoCommit = -1;
  std::atomic<int64_t> last_turn_ms{0};
  std::atomic<int64_t> commit_started_ms{kNoCommit};
};

}  // namespace tidemark
