// The transactional producer of SimBroker. Records wait here until they are sent, some time before the commit.
#include <algorithm>
#include <utility>

#include "core/state_record.h"
#include "tests/sim/sim_broker.h"

namespace tidemark::sim {
namespace {

constexpr int64_t kFailOnConcurrentPercent = 10;

absl::Status Lost(std::string_view what) { return absl::AbortedError("simulated: " + std::string(what)); }

}  // namespace

SimRecord ToSimRecord(const OutputRecord& record) {
  SimRecord copy;
  if (record.key) copy.key = *record.key;
  if (record.value) copy.value = *record.value;
  for (const RecordHeader& header : record.headers) {
    SimHeader& added = copy.headers.emplace_back();
    added.name = header.name;
    if (header.value) added.value = *header.value;
  }
  return copy;
}

absl::Status SimBroker::RestartProducer() {
  hooks_.Before("RestartProducer");
  unsent_.clear();
  added_.clear();
  lost_ = false;
  producer_.reset();
  if (Unanswered()) return absl::UnavailableError("simulated: no answer to InitProducerId");
  ProducerEpoch producer;
  SimTransactions& transactions = cluster_.transactions();
  SimTransactions::Answer answer = transactions.InitProducer(member_, producer);
  if (answer == SimTransactions::Answer::kConcurrent && random_.Percent(50)) {
    transactions.DeliverAllOf(member_);
    answer = transactions.InitProducer(member_, producer);
  }
  hooks_.After("RestartProducer");
  if (answer != SimTransactions::Answer::kOk) return absl::UnavailableError("simulated: CONCURRENT_TRANSACTIONS");
  producer_ = producer;
  return absl::OkStatus();
}

absl::Status SimBroker::BeginTransaction() {
  hooks_.Before("BeginTransaction");
  if (Chance(faults_.transaction_fails)) return Lost("begin_transaction failed");
  added_.clear();
  return absl::OkStatus();
}

absl::Status SimBroker::Write(const OutputRecord& record) {
  hooks_.Before("Write");
  if (Chance(faults_.transaction_fails)) return Lost("produce failed");
  unsent_.push_back({&cluster_.LogFor(record.topic, record.key, record.partition), ToSimRecord(record)});
  if (record.partition) NoteMove(*record.partition, *record.value);
  SendSome();
  return Leave("Write", absl::OkStatus());
}

void SimBroker::NoteMove(PartitionId partition, std::string_view state_record) {
  const auto record = DecodeStateRecord(state_record);
  const auto* decision = record.ok() ? std::get_if<Decision>(&*record) : nullptr;
  if (decision == nullptr || !std::holds_alternative<WatermarkMoved>(decision->what)) return;
  const auto quiet_for = quiet_.QuietFor(partition, decision->before, cluster_.events(partition));
  if (quiet_for) cluster_.AllowMove(partition, decision->number, *quiet_for);
}

absl::Status SimBroker::AddPartition(SimLog* log) {
  if (added_.contains(log)) return absl::OkStatus();
  const auto answer = cluster_.transactions().AddPartition(member_, *producer_, log, cluster_.now_ms());
  if (answer == SimTransactions::Answer::kConcurrent) return absl::UnavailableError("the last one is being ended");
  if (answer != SimTransactions::Answer::kOk) return Lost("the producer is fenced");
  added_.insert(log);
  return absl::OkStatus();
}

// False: not now, or never (then lost_).
bool SimBroker::Send(Unsent& unsent) {
  const absl::Status added = AddPartition(unsent.log);
  if (absl::IsUnavailable(added)) return false;
  if (!added.ok() || !unsent.log->Append(*producer_, std::move(unsent.record))) lost_ = true;
  return !lost_;
}

void SimBroker::SendSome() {
  while (!unsent_.empty() && !lost_ && !cluster_.away() && random_.Percent(50)) {
    if (!Send(unsent_.front())) return;
    unsent_.pop_front();
  }
}

absl::Status SimBroker::SendAll() {
  while (!unsent_.empty() && !lost_) {
    if (Send(unsent_.front())) {
      unsent_.pop_front();
      continue;
    }
    if (!lost_ && random_.Percent(kFailOnConcurrentPercent)) lost_ = true;
    if (!lost_) cluster_.transactions().DeliverAllOf(member_);
  }
  return lost_ ? Lost("records could not be delivered") : absl::OkStatus();
}

// The client is patient, but not for ever.
bool SimBroker::WaitUntilBack() {
  if (cluster_.away() && random_.Percent(50)) hooks_.Wait(cluster_.away_for());
  return !cluster_.away();
}

absl::Status SimBroker::SendOffsets(std::span<const CommittedOffset> offsets) {
  hooks_.Before("SendOffsets");
  const bool assigned = membership_ == Membership::kAssigned || told_ == AssignmentChange::kRevoked;
  if (!assigned) return Lost("the group has taken the partitions away");
  if (Chance(faults_.transaction_fails) || !WaitUntilBack()) return Lost("no answer to TxnOffsetCommit");
  absl::Status added = AddPartition(nullptr);
  if (absl::IsUnavailable(added)) {
    cluster_.transactions().DeliverAllOf(member_);
    added = AddPartition(nullptr);
  }
  if (!added.ok()) return added;
  const SimGroup::Answer answer = cluster_.group().Ask(member_, member_id_);
  if (answer == SimGroup::Answer::kFenced) {
    return absl::FailedPreconditionError("simulated: FENCED_INSTANCE_ID");
  }
  const bool current = answer != SimGroup::Answer::kUnknown && generation_ == cluster_.group().generation();
  if (!current) return Lost("ILLEGAL_GENERATION");
  cluster_.offsets().AddPending(producer_->id, offsets);
  return Leave("SendOffsets", absl::OkStatus());
}

absl::Status SimBroker::CommitTransaction() {
  hooks_.Before("CommitTransaction");
  if (!WaitUntilBack()) return Lost("no answer to EndTxn");
  absl::Status status = SendAll();
  if (status.ok()) status = EndTransaction();
  added_.clear();
  return Leave("CommitTransaction", status);
}

// A request that was answered late, or not, may have been sent again, and its first copy may still be on its way. (One
// that is sent again within the time that counts as quick is left out: nothing on this side could tell.)
absl::Status SimBroker::EndTransaction() {
  if (Chance(faults_.commit_not_done)) {
    if (random_.Percent(60)) cluster_.DelayEndTransaction(member_, *producer_);
    return Lost("no answer to EndTxn");
  }
  const bool slow = Chance(faults_.commit_slow);
  const Duration wait = Milliseconds(random_.Between(5'001, 20'000));
  const bool slow_before = slow && random_.Percent(50);
  if (slow_before) hooks_.Wait(wait);
  const auto answer = cluster_.transactions().End(member_, *producer_, true);
  if (slow && !slow_before) hooks_.Wait(wait);
  const bool not_told = Chance(faults_.commit_not_told);
  if ((slow || not_told) && random_.Percent(60)) cluster_.DelayEndTransaction(member_, *producer_);
  if (answer != SimTransactions::Answer::kOk) return Lost("EndTxn: the producer is fenced");
  return not_told ? Lost("no answer to EndTxn") : absl::OkStatus();
}

}  // namespace tidemark::sim
