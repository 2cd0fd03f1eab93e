// The Broker of one simulated shard: a group member, a reader, a transactional producer and a reader of the state topic
// on a SimCluster, with the bad habits of the real client and its network.
//
// Before and after each call SimHooks may throw (the process dies right there) or let others act (it was not
// scheduled). SimFaults says how often calls fail; all rates zero: a perfect world. A broker that is destroyed falls
// silent, no more: the group and the coordinator find out as they would. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/broker.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_quiet.h"

namespace tidemark::sim {

// How many of a thousand calls go wrong in this way.
struct SimFaults {
  int64_t unavailable = 0;        // a question is not answered
  int64_t transaction_fails = 0;  // beginning, writing, sending offsets
  int64_t commit_not_done = 0;    // the request is lost, or late
  int64_t commit_not_told = 0;    // done, but the answer is lost
  int64_t commit_slow = 0;        // takes seconds
  int64_t old_records = 0;        // handed out again, or from before an Assign
  int64_t truncate_lost = 0;
  int64_t state_damaged = 0;  // of the records read, not of the topic
};

class SimHooks {
 public:
  virtual ~SimHooks() = default;
  // `call` is about to have its effect, or had it.
  virtual void Before(std::string_view call) = 0;
  virtual void After(std::string_view call) = 0;
  // A call that takes this long.
  virtual void Wait(Duration duration) = 0;
};

SimRecord ToSimRecord(const OutputRecord& record);

class SimBroker : public Broker, public SimClient {
 public:
  // References must outlive the broker. `member`: group instance id and transactional id in one.
  SimBroker(SimCluster& cluster, SimHooks& hooks, const SimFaults& faults, Random& random, std::string member,
            uint64_t max_record_bytes);
  ~SimBroker() override;

  // A stopped process sends no heartbeats.
  void set_silent(bool silent) { silent_ = silent; }

  // ---- SimClient
  void Heartbeat() override;

  // ---- Broker
  absl::Status Poll(Duration timeout, PollResult& result) override;
  std::span<const RecordHeader> Headers(const InputRecord& record) override;
  absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) override;
  uint64_t Unassign() override;
  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override;
  absl::StatusOr<Offset> FirstOffset(PartitionId partition) override;
  std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) override;
  std::optional<Offset> CachedEnd(PartitionId partition) override;

  absl::Status RestartProducer() override;
  absl::Status BeginTransaction() override;
  absl::Status Write(const OutputRecord& record) override;
  uint64_t max_record_bytes() const override { return max_record_bytes_; }
  uint64_t UnacknowledgedBytes() override { return random_.Percent(10) ? 1'000'000'000 : 0; }
  absl::Status SendOffsets(std::span<const CommittedOffset> offsets) override;
  absl::Status CommitTransaction() override;

  absl::Status ReadState(std::span<const PartitionStart> starts) override;
  absl::Status PollState(Duration timeout, StatePollResult& result) override;
  absl::StatusOr<Offset> StateEnd(PartitionId partition) override;
  void TruncateState(PartitionId partition, Offset before) override;

  void Close() override;

 protected:
  SimCluster& cluster() { return cluster_; }

 private:
  // Where the group has this member, as far as it has heard.
  enum class Membership : uint8_t { kNone, kJoining, kAssigned, kGivingUp };

  struct Reading {
    Offset next;
    bool end_told = false;  // of this place
  };
  using Readings = std::map<PartitionId, Reading>;

  struct Unsent {
    SimLog* log;
    SimRecord record;
  };

  bool Chance(int64_t per_thousand) { return per_thousand > 0 && random_.Below(1000) < per_thousand; }
  bool Unanswered() { return cluster_.away() || Chance(faults_.unavailable); }
  template <typename T>
  T Leave(std::string_view call, T result) {
    hooks_.After(call);
    return result;
  }

  // Group.
  absl::Status HearFromGroup(PollResult& result);
  void Tell(AssignmentChange change, PollResult& result);

  // Reading.
  InputRecord ToInput(PartitionId partition, Offset offset) const;
  void Fetch(PartitionId partition, Reading& reading, PollResult& result);
  void HandOutOld(PollResult& result);
  std::string_view ReadStateRecord(const SimLog& log, Offset offset);

  // Writing.
  void NoteMove(PartitionId partition, std::string_view state_record);
  bool Send(Unsent& unsent);
  void SendSome();
  absl::Status SendAll();
  absl::Status AddPartition(SimLog* log);
  bool WaitUntilBack();
  absl::Status EndTransaction();

  SimCluster& cluster_;
  SimHooks& hooks_;
  const SimFaults& faults_;
  Random& random_;
  const std::string member_;
  const uint64_t max_record_bytes_;
  bool silent_ = false;
  bool closed_ = false;

  Membership membership_ = Membership::kNone;
  AssignmentChange told_ = AssignmentChange::kNone;
  int64_t member_id_ = 0;
  int32_t generation_ = 0;

  uint64_t assignment_epoch_ = 0;
  Readings readings_;
  Readings readings_before_;  // of the last assignment
  std::vector<RecordHeader> headers_;
  std::map<PartitionId, Offset> fetched_ends_;  // undecided transactions included
  SimQuiet quiet_;
  Readings state_readings_;
  std::deque<std::string> damaged_;  // of the last PollState

  std::optional<ProducerEpoch> producer_;
  bool lost_ = false;  // the transaction is: nothing can be sent
  std::deque<Unsent> unsent_;
  std::set<SimLog*> added_;  // to the transaction
};

}  // namespace tidemark::sim
