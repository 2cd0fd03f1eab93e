// What a shard shows of itself: plain numbers, copied out between batches. The copy belongs to whoever asked for it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/partition.h"
#include "core/types.h"

namespace tidemark {

enum class WorkState : uint8_t { kWaiting, kRunning, kFailed };

// How a commit ended. Doubtful: the answer was slow or did not come; what the group has committed decides.
enum class CommitResult : uint8_t { kOk, kAborted, kDoubtful };
inline constexpr int kCommitResultCount = 3;

// Upper bounds in milliseconds; one more bucket for what is longer.
inline constexpr std::array<int64_t, 11> kCommitBucketsMs{5, 10, 25, 50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000};

struct PartitionSnapshot {
  PartitionId partition;
  WorkState state = WorkState::kWaiting;
  Offset next;
  std::optional<int64_t> lag_records;  // nothing: the end is not known yet
  std::optional<Duration> lag;         // age of the last record read; 0 at the end
  EventTime watermark = kBeforeAllTime;
};

struct ShardSnapshot {
  uint32_t shard = 0;
  bool in_group = false;       // the group has given it an assignment, perhaps an empty one
  PartitionCounters counters;  // of all partitions it has ever worked on
  std::array<uint64_t, kTypeRulesCount> open_sessions{};
  uint64_t tombstones = 0;
  uint64_t state_bytes = 0;
  std::vector<PartitionSnapshot> partitions;
  std::array<uint64_t, kCommitResultCount> commits{};
  std::array<uint64_t, kCommitBucketsMs.size() + 1> commit_buckets{};
  uint64_t commit_ms_total = 0;
  std::optional<EventTime> last_commit;  // the machine's time
  uint64_t rebalances = 0;
  uint64_t records_dropped = 0;        // not owned, or already taken: handed out twice by the client
  uint64_t records_without_value = 0;  // written without their value: over message.max.bytes
  uint64_t open_sessions_dropped = 0;  // lost with the state of a partition (no recovery yet)
};

}  // namespace tidemark
