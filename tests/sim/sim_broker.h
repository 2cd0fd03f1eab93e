// The Broker that a shard of a simulated process sees: one member of the group, one producer, on the SimCluster.
//
// Any call may be the last one: when the process is to crash, the call throws Crash instead of taking effect.
// Answers get lost, calls find no broker, records are handed out twice: as often as SimFaults says.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_group.h"

namespace tidemark::sim {

struct Crash {};

// Deliberate mistakes, to show that the checks would find them.
enum class Sabotage : uint8_t {
  kNone,
  kEmitBeforeCommit,      // sessions are written outside of the transaction
  kSnapshotAhead,         // a snapshot claims to have one record more than it has
  kForgetDecision,        // a move of the watermark is not written
  kCommitOffsetOffByOne,  // one record too far
  kStaleCommit,           // what is read as committed is what was committed before
};

struct SimFaults {
  int lost_answer_percent = 0;  // of commits
  int slow_commit_percent = 0;
  int repeat_percent = 0;  // of polls: records that were handed out before come again
  bool outage = false;     // no broker answers
  Sabotage sabotage = Sabotage::kNone;
};

inline constexpr char kEventsTopic[] = "journey-events";
inline constexpr char kStateTopic[] = "tidemark-state";

class SimBroker : public Broker {
 public:
  SimBroker(SimCluster& cluster, SimGroup& group, SimClock& clock, model::Random& random, const SimFaults& faults,
            std::string name);

  // The process dies in so many calls from now.
  void CrashAfter(int calls) { calls_to_crash_ = calls; }
  // What the client does by itself, in the background.
  void KeepAlive() {
    if (!faults_.outage) group_.Heartbeat(name_, member_);
  }

  absl::Status Poll(Duration timeout, PollResult& result) override;
  std::span<const RecordHeader> Headers(const InputRecord&) override { return {}; }
  absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) override;
  uint64_t Unassign() override;
  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override;
  absl::StatusOr<Offset> FirstOffset(PartitionId partition) override;
  std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) override;
  std::optional<Offset> CachedEnd(PartitionId) override { return std::nullopt; }

  absl::Status RestartProducer() override;
  absl::Status BeginTransaction() override;
  absl::Status Write(const OutputRecord& record) override;
  uint64_t max_record_bytes() const override { return 3'000; }  // snapshots are to have several pieces
  absl::Status SendOffsets(std::span<const CommittedOffset> offsets) override;
  absl::Status CommitTransaction() override;

  absl::Status ReadState(std::span<const PartitionStart> starts) override;
  absl::Status PollState(Duration timeout, StatePollResult& result) override;
  absl::StatusOr<Offset> StateEnd(PartitionId partition) override;
  void TruncateState(PartitionId partition, Offset before) override;

  void Close() override;

 private:
  struct Cursor {
    int64_t next = 0;
    bool end_told = false;
  };
  void CountCall();
  void ReadEvents(PollResult& result);

  SimCluster& cluster_;
  SimGroup& group_;
  SimClock& clock_;
  model::Random& random_;
  const SimFaults& faults_;
  const std::string name_;
  int member_;
  int calls_to_crash_ = -1;

  bool has_assignment_ = false;  // told of one, and has not let go of it
  uint64_t assignment_epoch_ = 0;
  std::map<PartitionId, Cursor> events_;
  std::map<PartitionId, Cursor> state_;
  int producer_epoch_ = -1;
};

}  // namespace tidemark::sim
