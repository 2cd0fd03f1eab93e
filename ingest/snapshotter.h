// Snapshots of a shard's partitions, one at a time, each begun at an acknowledged commit and written in pieces between
// batches of records, over as many transactions as it takes.
//
// A partition that had records since its last snapshot is due `snapshot_interval` after it, whether records still come
// or not. The one that has waited longest has its turn, so none starves where a round of all takes longer than that.
// Before them comes the one with the most to replay, when replaying what the shard has read since its snapshots would
// take longer than `recovery_target`, unless another has waited for two intervals. What a snapshot costs: memory for
// one piece and for the sessions that changed since the last one; a pause of one piece per turn. The shard's thread
// only.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/state_record.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/kafka_options.h"
#include "ingest/partition_work.h"
#include "ingest/shard_output.h"

namespace tidemark {

class Snapshotter {
 public:
  using Works = std::map<PartitionId, PartitionWork>;

  // References must outlive the snapshotter. Counts what it does in `totals`.
  Snapshotter(const KafkaOptions& kafka, Broker& broker, const Clock& clock, ShardOutput& output,
              ShardSnapshot& totals);

  bool active() const { return active_.has_value(); }

  // All that `works` have done so far is in acknowledged commits: lets go of what the last finished snapshot made
  // superfluous, and begins the next one that is due. Called while there is nothing to commit, too.
  void AfterCommit(Works& works);

  // Begins one of this partition now. REQUIRES: as AfterCommit, and none is active. False: the broker did not answer.
  bool Begin(PartitionWork& work);

  // Writes the next piece of the one under way; a few if the sessions change faster than that.
  absl::Status WriteSome(Works& works);

  // The partitions are not ours any more, or begin again.
  void Abandon(Works& works);

 private:
  struct Active {
    PartitionId partition;
    Offset begin;     // in the state topic
    SnapshotEnd end;  // of the state at the beginning
  };

  PartitionWork* NextDue(Works& works);
  absl::Status WritePiece(PartitionWork& work, bool& more);
  absl::Status Finish(PartitionWork& work);
  void NotePause(int64_t microseconds);

  const KafkaOptions& kafka_;
  Broker& broker_;
  const Clock& clock_;
  ShardOutput& output_;
  ShardSnapshot& totals_;

  std::optional<Active> active_;
  std::optional<PartitionId> finished_;  // its end is written, not committed
  std::map<PartitionId, MonotonicTime> last_;
  MonotonicTime not_before_;
  std::string piece_;
};

}  // namespace tidemark
