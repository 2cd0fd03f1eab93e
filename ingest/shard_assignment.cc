// Shard's part that follows the group: partitions that come, go, and come back.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ingest/crash_point.h"
#include "ingest/shard.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kParkFor = Minutes(1);
constexpr Duration kAssignAtLeastEvery = Seconds(1);

}  // namespace

absl::Status Shard::HandleChange() {
  switch (poll_.change) {
    case AssignmentChange::kNone:
      if (!parked_.empty() && clock_.Now() - parked_since_ >= kParkFor) DropParked();
      break;
    case AssignmentChange::kAssigned:
      TakeAssignment();
      break;
    case AssignmentChange::kRevoked: {
      CrashPoint("rebalance.revoked");
      IncludeMoves();
      const absl::Status status = CommitAlone();  // the group waits for us, so the partitions are still ours
      if (!status.ok()) return status;
      GiveUpAssignment();
      break;
    }
    case AssignmentChange::kLost:
      GiveUpAssignment();
      break;
  }
  return absl::OkStatus();
}

void Shard::TakeAssignment() {
  CrashPoint("rebalance.assigned");
  ++totals_.rebalances;
  // librdkafka may join again before it told of the revocation, and then tells of the whole new assignment.
  if (!works_.empty()) Park();
  in_group_ = true;
  begin_wanted_ = true;
  assign_wanted_ = true;
  for (const PartitionId id : poll_.partitions) {
    if (auto parked = parked_.extract(id)) {
      works_.insert(std::move(parked));
    } else {
      works_.try_emplace(id, id);
    }
  }
  Log(LogLevel::kInfo, "partitions_assigned", fmt::format("the group assigned {} partitions", works_.size()),
      {{"shard", options_.shard}, {"topic", options_.kafka.events_topic}});
}

void Shard::GiveUpAssignment() {
  Park();
  in_group_ = false;
  begin_wanted_ = false;
  assign_wanted_ = false;
  assignment_epoch_ = broker_.Unassign();
  Log(LogLevel::kInfo, "partitions_revoked", "the group distributes the partitions anew", {{"shard", options_.shard}});
}

// Puts all partitions aside, for those that come back; what is not committed is lost with its transaction.
void Shard::Park() {
  if (output_.in_transaction()) StartAnew(CommitResult::kAborted);
  recovery_.Abandon();
  snapshotter_.Abandon(works_);
  DropParked();
  for (auto& [id, work] : works_) {
    if (work.running()) {
      work.Wait();
    } else if (work.state() != WorkState::kWaiting) {  // what waits to begin is parked as it is
      NoteGone(work);
    }
  }
  std::erase_if(works_, [](const auto& entry) { return entry.second.state() != WorkState::kWaiting; });
  parked_.swap(works_);
  parked_since_ = clock_.Now();
}

void Shard::DropParked() {
  for (const auto& [id, work] : parked_) NoteGone(work);
  parked_.clear();
}

// What it counted stays in the totals.
void Shard::NoteGone(const PartitionWork& work) { totals_.counters.Add(work.counted()); }

// From the committed offsets to work. What the broker does not answer now is asked again with the next step.
absl::Status Shard::BeginWaiting() {
  std::vector<PartitionId> waiting;
  for (const auto& [id, work] : works_) {
    if (work.state() == WorkState::kWaiting) waiting.push_back(id);
  }
  absl::Status status;
  if (!waiting.empty()) {
    const auto committed = broker_.Committed(waiting);
    status = committed.status();
    for (size_t i = 0; status.ok() && i < committed->size(); ++i) {
      PartitionWork& work = works_.at((*committed)[i].partition);
      const PartitionCounters counted = work.counted();
      const uint64_t sequence = work.sequence();
      status = recovery_.Begin(work, (*committed)[i]);
      if (!work.running()) totals_.counters.Add(counted);
      if (work.sequence() > sequence) failures_in_a_row_ = 0;  // what was in doubt had happened
    }
  }
  begin_wanted_ = !status.ok();
  assign_wanted_ = true;
  if (!absl::IsUnavailable(status)) return status;
  Log(LogLevel::kWarn, "begin_waits", "cannot begin work on the partitions yet; trying again",
      {{"shard", options_.shard}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

absl::Status Shard::Recover(Duration max_wait) {
  const bool loading = recovery_.loading();
  // Whoever had records the last time does not wait for the state topic.
  const absl::Status status = recovery_.Step(poll_.records.empty() ? max_wait : Duration{0}, works_);
  if (loading && !recovery_.loading()) assign_wanted_ = true;
  recovery_.ReportProgress(works_);
  if (!absl::IsUnavailable(status)) return status;
  Log(LogLevel::kWarn, "recovery_waits", "cannot bring all partitions to their state yet; trying again",
      {{"shard", options_.shard}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

// Whether a state was loaded whose records are not read yet.
bool Shard::HasNewWork() const {
  return recovery_.active() && std::any_of(works_.begin(), works_.end(), [](const auto& entry) {
           return entry.second.wants_records() && !entry.second.reads();
         });
}

// Reads on from where each partition is. While states are still being loaded not for each one anew: it costs what was
// fetched ahead.
absl::Status Shard::ReadFromHere() {
  if (recovery_.loading() && clock_.Now() - last_assign_ < kAssignAtLeastEvery) return absl::OkStatus();
  last_assign_ = clock_.Now();
  std::vector<PartitionStart> starts;
  for (auto& [id, work] : works_) {
    if (work.running()) {
      const absl::Status status = SwitchRules(work);
      if (!status.ok()) return status;
    }
    if (work.wants_records()) starts.push_back({id, work.next()});
  }
  const auto epoch = broker_.Assign(starts);
  if (!epoch.ok()) return absl::IsUnavailable(epoch.status()) ? absl::OkStatus() : epoch.status();
  assignment_epoch_ = *epoch;
  for (const PartitionStart& start : starts) works_.at(start.partition).NoteAssigned();
  assign_wanted_ = false;
  return absl::OkStatus();
}

void Shard::BeginAllAgain() {
  recovery_.Abandon();
  snapshotter_.Abandon(works_);
  for (auto& [id, work] : works_) work.Wait();
  begin_wanted_ = in_group_;
}

}  // namespace tidemark
