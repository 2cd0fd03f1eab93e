// How the partitions of a shard come back to the state that the group has committed: through the state topic to the
// newest snapshot, then through the events topic to the committed offset, without effects. It is the only way to begin
// work on a partition, whatever happened before.
//
// What does not add up is tried again from further back; what then still does not, fails: that partition alone, with a
// message that says what the choice is. Nothing is guessed. The shard's thread only.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/rules.h"
#include "ingest/broker.h"
#include "ingest/clock.h"
#include "ingest/kafka_options.h"
#include "ingest/partition_work.h"
#include "ingest/shard_snapshot.h"
#include "ingest/state_loader.h"

namespace tidemark {

class Recovery {
 public:
  // References must outlive the recovery. Counts what it does in `totals`.
  Recovery(uint32_t shard, const KafkaOptions& kafka, const Rules& rules, Broker& broker, const Clock& clock,
           ShardSnapshot& totals);

  // Begins: the work goes on at once if its state is the committed one, else its state is looked for. Unavailable: the
  // broker does not answer, call again.
  absl::Status Begin(PartitionWork& work, const CommittedOffset& committed);

  // Reads on in the state topic for up to `max_wait`. Works that have their snapshot become replaying, or running where
  // there is nothing to replay or no state, or fail. Unavailable: something is to be tried again; call again.
  absl::Status Step(Duration max_wait, std::map<PartitionId, PartitionWork>& works);
  bool loading() const { return loading_ > 0; }
  // Whether there is something to wait for in Step; not where the state topic cannot be read for now.
  bool reading() const { return loading() && !start_wanted_; }
  // Whether Step has something to do.
  bool active() const { return start_wanted_ || !searches_.empty(); }

  // The replay has reached the committed offset: the work runs, or is loaded again from an older snapshot, or fails.
  // True: it runs.
  bool Finish(PartitionWork& work);

  // The next record that the work needs is not in the topic: it goes no further.
  void NoteRecordGone(PartitionWork& work, std::string_view error);

  // The events of a work that replays end here, for now.
  void NoteReplayEnd(const PartitionWork& work);

  // Forgets what is under way: the assignment is gone.
  void Abandon();

  // Tells from time to time how far it is.
  void ReportProgress(const std::map<PartitionId, PartitionWork>& works);

 private:
  struct Search {
    StateLoader loader;
    CommittedOffset committed;            // what is looked for
    bool loading = true;                  // false: it replays
    std::optional<MonotonicTime> at_end;  // when all there was had been read
    Offset replay_end;                    // where the replay was then
    MonotonicTime began;
    std::string no_way;  // why no attempt is left; empty: one is under way

    // All was read, and there is neither a commit of tidemark's nor a state.
    bool begins_empty() const { return loading && at_end && !loader.metadata() && !loader.found_snapshot(); }
  };
  using Searches = std::map<PartitionId, Search>;

  absl::Status StartReading();
  Search* FindLoading(PartitionId id);
  void TakePoll(std::map<PartitionId, PartitionWork>& works);
  void TakeEnd(PartitionWork& work, Search& search);
  void TakeLoaded(PartitionWork& work, Search& search);
  void TryOlder(PartitionWork& work, Search& search, std::string_view why);
  void TakeAllSeen(PartitionWork& work, Search& search);
  void BeginEmptyOnes(std::map<PartitionId, PartitionWork>& works);
  absl::Status BeginEmpty(PartitionWork& work, Search& search);
  void GiveUpReplayAfterPatience(PartitionWork& work, Search& search);
  void GiveUp(PartitionWork& work, Search& search, std::string_view why);
  void FailOrBeginAgain(PartitionWork& work, const Search& search);
  void StopLoading(Search& search);
  void Fail(PartitionWork& work, std::string_view why, std::string_view do_what);

  const uint32_t shard_;
  const KafkaOptions& kafka_;
  const Rules& rules_;
  Broker& broker_;
  const Clock& clock_;
  ShardSnapshot& totals_;

  Searches searches_;
  int loading_ = 0;
  bool start_wanted_ = false;  // what is to be read of the state topic has changed
  std::optional<MonotonicTime> start_failed_at_;
  PartitionId last_in_vain_{-1};  // that could not begin empty
  MonotonicTime ask_again_at_;
  absl::Status not_begun_;  // why
  StatePollResult poll_;
  MonotonicTime last_report_;
};

}  // namespace tidemark
