#include "tests/sim/sim_broker.h"

#include <algorithm>

#include "core/state_record.h"
#include "ingest/kafka_handle.h"

namespace tidemark::sim {
namespace {

constexpr uint32_t kOutputPartitions = 2;
constexpr Duration kSlow = Seconds(6);

absl::Status Away() { return absl::UnavailableError("no broker answers"); }
absl::Status Lost() { return absl::AbortedError("the transaction failed"); }

}  // namespace

// Between two calls a shard changes nothing but itself: to die after a call is to die before the next one.
void SimBroker::CountCall() {
  if (calls_to_crash_ > 0 && --calls_to_crash_ == 0) throw Crash{};
}

SimBroker::SimBroker(SimCluster& cluster, SimGroup& group, SimClock& clock, model::Random& random,
                     const SimFaults& faults, std::string name)
    : cluster_(cluster),
      group_(group),
      clock_(clock),
      random_(random),
      faults_(faults),
      name_(std::move(name)),
      member_(group.Join(name_)) {}

// ---- reading

absl::Status SimBroker::Poll(Duration, PollResult& result) {
  CountCall();
  result.Clear();
  result.assignment_epoch = assignment_epoch_;
  if (faults_.outage) return absl::OkStatus();
  group_.Heartbeat(name_, member_);
  ReadEvents(result);
  const SimGroup::News news = group_.TakeNews(name_, member_);
  result.change = news.change;
  result.partitions = news.partitions;
  // Whoever was thrown out joins again, like the client does by itself, once it has let go.
  if (news.change == AssignmentChange::kAssigned) has_assignment_ = true;
  if (news.change == AssignmentChange::kLost && !has_assignment_) {
    result.change = AssignmentChange::kNone;
    member_ = group_.Join(name_);
  }
  return absl::OkStatus();
}

void SimBroker::ReadEvents(PollResult& result) {
  for (auto& [partition, cursor] : events_) {
    const SimLog& log = cluster_.log(kEventsTopic, partition);
    if (faults_.repeat_percent > 0 && random_.Percent(faults_.repeat_percent)) {
      cursor.next = std::max<int64_t>(0, cursor.next - random_.Below(4));
    }
    const int64_t end = std::min(log.LastStableOffset(), cursor.next + random_.Below(12));
    for (; cursor.next < end; ++cursor.next) {
      const Entry& entry = log.at(cursor.next);
      if (!entry.committed()) continue;
      InputRecord input;
      input.partition = partition;
      input.record = {entry.value, Offset{cursor.next}, EventTime{std::stoll(entry.headers[0].second)}};
      input.key = entry.key;
      result.records.push_back(input);
      cursor.end_told = false;
    }
    if (cursor.next >= log.LastStableOffset() && !cursor.end_told) {
      result.ends.push_back({partition, {cursor.next}});
      cursor.end_told = true;
    }
  }
}

absl::StatusOr<uint64_t> SimBroker::Assign(std::span<const PartitionStart> starts) {
  CountCall();
  events_.clear();
  for (const PartitionStart& start : starts) events_[start.partition] = {start.offset.value, false};
  return ++assignment_epoch_;
}

uint64_t SimBroker::Unassign() {
  CountCall();
  events_.clear();
  has_assignment_ = false;
  group_.LetGo(name_, member_);
  return ++assignment_epoch_;
}

absl::StatusOr<std::vector<CommittedOffset>> SimBroker::Committed(std::span<const PartitionId> partitions) {
  CountCall();
  if (faults_.outage) return Away();
  std::vector<CommittedOffset> result;
  for (const PartitionId partition : partitions) {
    const auto committed = cluster_.Committed(partition);
    if (!committed) return absl::UnavailableError("the offsets are not stable");
    result.push_back(*committed);
    const auto& history = cluster_.History(partition);
    if (faults_.sabotage == Sabotage::kStaleCommit && history.size() > 1) result.back() = history[history.size() - 2];
  }
  return result;
}

absl::StatusOr<Offset> SimBroker::FirstOffset(PartitionId) {
  CountCall();
  return faults_.outage ? absl::StatusOr<Offset>(Away()) : Offset{0};
}

std::vector<std::optional<Offset>> SimBroker::EndOffsets(std::span<const PartitionId> partitions) {
  CountCall();
  std::vector<std::optional<Offset>> ends;
  for (const PartitionId partition : partitions) {
    const bool answers = !faults_.outage && !random_.Percent(5);
    ends.push_back(answers ? std::optional(Offset{cluster_.log(kEventsTopic, partition).LastStableOffset()})
                           : std::nullopt);
  }
  return ends;
}

// ---- writing

absl::Status SimBroker::RestartProducer() {
  CountCall();
  if (faults_.outage) return Away();
  const auto epoch = cluster_.InitProducer(name_);
  if (!epoch) return absl::UnavailableError("the last transaction is still being ended");
  producer_epoch_ = *epoch;
  return absl::OkStatus();
}

absl::Status SimBroker::BeginTransaction() {
  CountCall();
  return !faults_.outage && cluster_.Begin(name_, producer_epoch_) ? absl::OkStatus() : Lost();
}

absl::Status SimBroker::Write(const OutputRecord& record) {
  CountCall();
  if (faults_.outage) return Lost();
  const std::string topic(record.topic);
  Entry entry;
  if (record.key) entry.key = *record.key;
  entry.value = record.value.value_or("");
  for (const RecordHeader& header : record.headers) entry.headers.emplace_back(header.name, header.value.value_or(""));
  const PartitionId partition =
      record.partition.value_or(PartitionId{PartitionOfKey(record.key.value_or(""), kOutputPartitions)});
  if (faults_.sabotage == Sabotage::kEmitBeforeCommit && topic == "sessions") {
    cluster_.log(topic, partition).Append(std::move(entry));
    return absl::OkStatus();
  }
  if (topic == kStateTopic && faults_.sabotage != Sabotage::kNone) {
    auto decoded = DecodeStateRecord(entry.value);
    auto* end = std::get_if<SnapshotEnd>(&*decoded);
    if (faults_.sabotage == Sabotage::kForgetDecision && std::holds_alternative<Decision>(*decoded)) {
      return absl::OkStatus();
    }
    if (faults_.sabotage == Sabotage::kSnapshotAhead && end != nullptr && end->snapshot > 0) {
      ++end->next.value;
      EncodeStateRecord(*decoded, entry.value);
    }
  }
  return cluster_.Append(name_, producer_epoch_, topic, partition, std::move(entry)) ? absl::OkStatus() : Lost();
}

absl::Status SimBroker::SendOffsets(std::span<const CommittedOffset> offsets) {
  CountCall();
  if (faults_.outage || !group_.MayCommit(name_, member_)) return Lost();
  std::vector<CommittedOffset> sent(offsets.begin(), offsets.end());
  if (faults_.sabotage == Sabotage::kCommitOffsetOffByOne) {
    for (CommittedOffset& offset : sent) ++offset.offset->value;
  }
  return cluster_.AddOffsets(name_, producer_epoch_, sent) ? absl::OkStatus() : Lost();
}

absl::Status SimBroker::CommitTransaction() {
  CountCall();
  if (faults_.outage) return Lost();
  if (random_.Percent(faults_.lost_answer_percent)) {
    if (random_.Percent(50)) {
      cluster_.End(name_, producer_epoch_, true);  // done, but nobody hears of it
    } else {
      cluster_.EndLater(name_, producer_epoch_);  // not done, but the request is still on its way
    }
    return Lost();
  }
  if (random_.Percent(faults_.slow_commit_percent)) clock_.Advance(kSlow);
  return cluster_.End(name_, producer_epoch_, true) ? absl::OkStatus() : Lost();
}

// ---- state

absl::Status SimBroker::ReadState(std::span<const PartitionStart> starts) {
  CountCall();
  if (faults_.outage) return Away();
  state_.clear();
  for (const PartitionStart& start : starts) state_[start.partition] = {start.offset.value, false};
  return absl::OkStatus();
}

absl::Status SimBroker::PollState(Duration, StatePollResult& result) {
  CountCall();
  result.Clear();
  if (faults_.outage) return absl::OkStatus();
  for (auto& [partition, cursor] : state_) {
    const SimLog& log = cluster_.log(kStateTopic, partition);
    if (cursor.next == kFirstRecord.value) cursor.next = log.begin();
    if (cursor.next < log.begin()) {
      result.errors.push_back({partition, "offset out of range"});
      continue;
    }
    const int64_t end = std::min(log.LastStableOffset(), cursor.next + random_.Below(20));
    for (; cursor.next < end; ++cursor.next) {
      const Entry& entry = log.at(cursor.next);
      if (entry.committed()) result.records.push_back({partition, {cursor.next}, entry.value});
      cursor.end_told = false;
    }
    if (cursor.next >= log.LastStableOffset() && !cursor.end_told) {
      result.ends.push_back({partition, {cursor.next}});
      cursor.end_told = true;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Offset> SimBroker::StateEnd(PartitionId partition) {
  CountCall();
  if (faults_.outage) return Away();
  return Offset{cluster_.log(kStateTopic, partition).LastStableOffset()};
}

void SimBroker::TruncateState(PartitionId partition, Offset before) {
  CountCall();
  if (!faults_.outage) cluster_.log(kStateTopic, partition).DeleteBefore(before.value);
}

void SimBroker::Close() {
  CountCall();
  group_.Leave(name_, member_);
}

}  // namespace tidemark::sim
