#include "tests/sim/sim_broker.h"

#include <algorithm>

namespace tidemark::sim {
namespace {

constexpr int64_t kMaxBatch = 12;  // of one partition
constexpr int64_t kReadAheadPercent = 30;

absl::Status NoAnswer(std::string_view what) {
  return absl::UnavailableError("simulated: no answer to " + std::string(what));
}

}  // namespace

SimBroker::SimBroker(SimCluster& cluster, SimHooks& hooks, const SimFaults& faults, Random& random, std::string member,
                     uint64_t max_record_bytes)
    : cluster_(cluster),
      hooks_(hooks),
      faults_(faults),
      random_(random),
      member_(std::move(member)),
      max_record_bytes_(max_record_bytes),
      quiet_(cluster.idle_after()) {
  cluster_.AddClient(this);
}

SimBroker::~SimBroker() { cluster_.RemoveClient(this); }

void SimBroker::Heartbeat() {
  const bool member = membership_ != Membership::kNone && told_ != AssignmentChange::kLost;
  if (member && !silent_ && !closed_) cluster_.group().Heartbeat(member_, member_id_, cluster_.now_ms());
}

void SimBroker::Close() {
  hooks_.Before("Close");
  closed_ = true;
  unsent_.clear();
  producer_.reset();
}

// ---- the group

void SimBroker::Tell(AssignmentChange change, PollResult& result) {
  result.change = change;
  told_ = change;
  membership_ = change == AssignmentChange::kAssigned ? Membership::kAssigned : Membership::kGivingUp;
}

// What the background thread has learned by now.
absl::Status SimBroker::HearFromGroup(PollResult& result) {
  SimGroup& group = cluster_.group();
  if (cluster_.away() || membership_ == Membership::kGivingUp || random_.Percent(40)) return absl::OkStatus();
  if (membership_ == Membership::kNone) {
    member_id_ = group.Join(member_, cluster_.now_ms());
    membership_ = Membership::kJoining;
  }
  SimGroup::Answer answer = group.Ask(member_, member_id_);
  if (membership_ == Membership::kJoining && answer == SimGroup::Answer::kRebalancing) {
    answer = group.JoinAgain(member_, member_id_, cluster_.now_ms());  // yet another one, before this one was heard of
  }
  if (answer == SimGroup::Answer::kFenced) {
    return absl::FailedPreconditionError("simulated: another process runs with this instance id");
  }
  if (membership_ == Membership::kJoining) {
    if (answer == SimGroup::Answer::kUnknown) membership_ = Membership::kNone;
    if (answer != SimGroup::Answer::kStable) return absl::OkStatus();
    generation_ = group.generation();
    result.partitions = group.PartitionsOf(member_);
    Tell(AssignmentChange::kAssigned, result);
  } else if (answer == SimGroup::Answer::kUnknown) {
    Tell(AssignmentChange::kLost, result);
  } else if (answer == SimGroup::Answer::kRebalancing) {
    Tell(AssignmentChange::kRevoked, result);
  }
  return absl::OkStatus();
}

uint64_t SimBroker::Unassign() {
  hooks_.Before("Unassign");
  readings_before_ = std::exchange(readings_, {});
  ++assignment_epoch_;
  if (membership_ == Membership::kGivingUp) {
    const bool lost = std::exchange(told_, AssignmentChange::kNone) == AssignmentChange::kLost;
    membership_ = lost ? Membership::kNone : Membership::kJoining;
    // While the brokers are away the request waits for them; here it does so in front of them.
    if (!lost) cluster_.group().JoinAgain(member_, member_id_, cluster_.now_ms());
  }
  return assignment_epoch_;
}

// ---- reading

InputRecord SimBroker::ToInput(PartitionId partition, Offset offset) const {
  const SimRecord& record = cluster_.events(partition).at(offset).record;
  InputRecord input;
  input.partition = partition;
  input.record.offset = offset;
  input.record.timestamp = record.timestamp;
  if (record.value) input.record.value = *record.value;
  if (record.key) input.key = *record.key;
  input.native = &record;
  return input;
}

void SimBroker::Fetch(PartitionId partition, Reading& reading, PollResult& result) {
  const SimLog& log = cluster_.events(partition);
  const Offset first = reading.next;
  const bool counts = result.assignment_epoch == assignment_epoch_;  // else the shard takes no notice
  fetched_ends_[partition] = log.end();
  for (int64_t room = random_.Between(0, kMaxBatch); room > 0; --room) {
    const auto offset = log.NextVisible(reading.next);
    if (!offset) break;
    result.records.push_back(ToInput(partition, *offset));
    if (counts) quiet_.NoteRecord(partition, *offset, cluster_.now_ms());
    reading = {{offset->value + 1}, false};
  }
  if (first != reading.next && Chance(faults_.old_records)) {
    result.records.push_back(ToInput(partition, *log.NextVisible(first)));
  }
  if (log.NextVisible(reading.next) || random_.Percent(20)) return;
  if (reading.next < log.stable_end()) reading = {log.stable_end(), false};
  if (reading.end_told) return;
  result.ends.push_back({partition, reading.next});
  reading.end_told = true;
  if (counts) quiet_.NoteAllHandedOut(partition, cluster_.now_ms());
}

// What was fetched ahead for the assignment before.
void SimBroker::HandOutOld(PollResult& result) {
  result.assignment_epoch = assignment_epoch_ - 1;
  for (auto& [partition, reading] : readings_before_) Fetch(partition, reading, result);
  readings_before_.clear();
}

absl::Status SimBroker::Poll(Duration, PollResult& result) {
  hooks_.Before("Poll");
  result.Clear();
  result.assignment_epoch = assignment_epoch_;
  if (!readings_before_.empty() && Chance(faults_.old_records)) {
    HandOutOld(result);
  } else if (membership_ != Membership::kGivingUp && (!cluster_.away() || random_.Percent(kReadAheadPercent))) {
    for (auto& [partition, reading] : readings_) Fetch(partition, reading, result);
  }
  const absl::Status status = HearFromGroup(result);
  return Leave("Poll", status);
}

std::span<const RecordHeader> SimBroker::Headers(const InputRecord& record) {
  headers_.clear();
  for (const SimHeader& header : static_cast<const SimRecord*>(record.native)->headers) {
    headers_.push_back({header.name, header.value});
  }
  return headers_;
}

absl::StatusOr<uint64_t> SimBroker::Assign(std::span<const PartitionStart> starts) {
  hooks_.Before("Assign");
  if (Chance(faults_.unavailable)) return NoAnswer("Assign");
  readings_before_ = std::exchange(readings_, {});
  for (const PartitionStart& start : starts) readings_[start.partition] = {start.offset};
  return ++assignment_epoch_;
}

absl::StatusOr<std::vector<CommittedOffset>> SimBroker::Committed(std::span<const PartitionId> partitions) {
  hooks_.Before("Committed");
  if (Unanswered()) return NoAnswer("Committed");
  std::vector<CommittedOffset> result;
  for (const PartitionId partition : partitions) {
    if (cluster_.offsets().IsPending(partition)) return NoAnswer("Committed: an offset is not stable");
    result.push_back(cluster_.offsets().Of(partition));
    quiet_.NoteBegin(partition, cluster_.now_ms());
  }
  hooks_.After("Committed");
  return result;
}

absl::StatusOr<Offset> SimBroker::FirstOffset(PartitionId partition) {
  hooks_.Before("FirstOffset");
  if (Unanswered()) return NoAnswer("FirstOffset");
  return cluster_.events(partition).first();
}

std::vector<std::optional<Offset>> SimBroker::EndOffsets(std::span<const PartitionId> partitions) {
  hooks_.Before("EndOffsets");
  std::vector<std::optional<Offset>> ends;
  for (const PartitionId partition : partitions) {
    std::optional<Offset>& end = ends.emplace_back();
    if (!Unanswered()) end = cluster_.events(partition).stable_end();
    const auto fetched = fetched_ends_.find(partition);
    if (!end || (fetched != fetched_ends_.end() && fetched->second > *end)) {
      quiet_.NoteDoubt(partition);
    } else {
      quiet_.NoteEnd(partition, *end, cluster_.now_ms());
    }
  }
  return Leave("EndOffsets", ends);
}

std::optional<Offset> SimBroker::CachedEnd(PartitionId partition) {
  const auto fetched = fetched_ends_.find(partition);
  return fetched == fetched_ends_.end() ? std::nullopt : std::optional(fetched->second);
}

// ---- the state topic

absl::Status SimBroker::ReadState(std::span<const PartitionStart> starts) {
  hooks_.Before("ReadState");
  if (Unanswered()) return NoAnswer("ReadState");
  state_readings_.clear();
  for (const PartitionStart& start : starts) {
    const bool first = start.offset == kFirstRecord;
    state_readings_[start.partition] = {first ? cluster_.state(start.partition).first() : start.offset};
  }
  return absl::OkStatus();
}

// Sometimes with a bit flipped, cut off, or another one in its place.
std::string_view SimBroker::ReadStateRecord(const SimLog& log, Offset offset) {
  const std::string& value = *log.at(offset).record.value;
  if (!Chance(faults_.state_damaged)) return value;
  std::string& damaged = damaged_.emplace_back(value);
  const auto size = static_cast<int64_t>(value.size());
  const Offset other{random_.Below(log.end().value)};
  if (random_.Percent(30)) {
    damaged.resize(static_cast<size_t>(random_.Below(size)));
  } else if (random_.Percent(50) && log.at(other).record.value) {
    damaged = *log.at(other).record.value;
  } else {
    damaged[static_cast<size_t>(random_.Below(size))] ^= static_cast<char>(1 << random_.Below(8));
  }
  return damaged;
}

absl::Status SimBroker::PollState(Duration, StatePollResult& result) {
  hooks_.Before("PollState");
  result.Clear();
  damaged_.clear();
  for (auto& [partition, reading] : state_readings_) {
    const SimLog& log = cluster_.state(partition);
    if (cluster_.away() || random_.Percent(20)) continue;
    if (reading.next < log.first() || reading.next > log.end()) {
      result.errors.push_back({partition, "simulated: offset out of range"});
      continue;
    }
    for (int64_t room = random_.Between(1, kMaxBatch); room > 0; --room) {
      const auto offset = log.NextVisible(reading.next);
      if (!offset) break;
      result.records.push_back({partition, *offset, ReadStateRecord(log, *offset)});
      reading = {{offset->value + 1}, false};
    }
    if (log.NextVisible(reading.next)) continue;
    reading.next = std::max(reading.next, log.stable_end());
    if (log.stable_end() < log.end()) continue;  // a transaction is open
    if (!std::exchange(reading.end_told, true)) result.ends.push_back({partition, reading.next});
  }
  return Leave("PollState", absl::OkStatus());
}

// The real client answers with the last stable offset, which may be before records that this shard wrote itself.
absl::StatusOr<Offset> SimBroker::StateEnd(PartitionId partition) {
  hooks_.Before("StateEnd");
  if (Unanswered()) return NoAnswer("StateEnd");
  const SimLog& log = cluster_.state(partition);
  return random_.Percent(80) ? log.stable_end() : log.end();
}

void SimBroker::TruncateState(PartitionId partition, Offset before) {
  hooks_.Before("TruncateState");
  if (!cluster_.away() && !Chance(faults_.truncate_lost)) cluster_.state(partition).Truncate(before);
  hooks_.After("TruncateState");
}

}  // namespace tidemark::sim
