#include "tests/sim/sim_transactions.h"

#include <algorithm>
#include <utility>

namespace tidemark::sim {

SimTransactions::Answer SimTransactions::InitProducer(const std::string& transactional_id, ProducerEpoch& producer) {
  Transaction& transaction = transactions_[transactional_id];
  if (transaction.producer.id == 0) transaction.producer.id = ++last_producer_;
  if (transaction.state == State::kOngoing) {
    ++transaction.producer.epoch;
    BeginEnding(transaction, false);
  }
  if (transaction.state == State::kEnding) return Answer::kConcurrent;
  ++transaction.producer.epoch;
  producer = transaction.producer;
  return Answer::kOk;
}

SimTransactions::Answer SimTransactions::AddPartition(const std::string& transactional_id, ProducerEpoch producer,
                                                      SimLog* log, int64_t now_ms) {
  Transaction& transaction = transactions_[transactional_id];
  if (!(transaction.producer == producer)) return Answer::kFenced;
  if (transaction.state == State::kEnding) return Answer::kConcurrent;
  if (transaction.state == State::kNone) {
    transaction.state = State::kOngoing;
    transaction.began_ms = now_ms;
    transaction.logs.clear();
  }
  if (std::find(transaction.logs.begin(), transaction.logs.end(), log) == transaction.logs.end()) {
    transaction.logs.push_back(log);
  }
  return Answer::kOk;
}

SimTransactions::Answer SimTransactions::End(const std::string& transactional_id, ProducerEpoch producer, bool commit) {
  Transaction& transaction = transactions_[transactional_id];
  if (!(transaction.producer == producer)) return Answer::kFenced;
  if (transaction.state == State::kOngoing) {
    BeginEnding(transaction, commit);
    return Answer::kOk;
  }
  // Asked again: the same answer as before, which may be about another transaction than the one that is meant.
  return transaction.committed == commit ? Answer::kOk : Answer::kInvalid;
}

void SimTransactions::BeginEnding(Transaction& transaction, bool commit) {
  if (commit) {
    offsets_.Decide(transaction.producer.id, ++decisions_);
  } else {
    ++aborted_;
  }
  transaction.state = State::kEnding;
  transaction.committed = commit;
  transaction.markers = static_cast<int64_t>(transaction.logs.size());
  for (SimLog* log : transaction.logs) {
    markers_.push_back({&transaction, log, transaction.producer, commit, decisions_});
  }
}

void SimTransactions::Expire(int64_t now_ms) {
  for (auto& [id, transaction] : transactions_) {
    if (transaction.state != State::kOngoing || now_ms - transaction.began_ms <= kTimeout.ms) continue;
    ++transaction.producer.epoch;
    BeginEnding(transaction, false);
  }
}

void SimTransactions::AgeMarkers(Duration duration) {
  for (int64_t i = markers() - 1; i >= 0; --i) {
    Duration& age = markers_[static_cast<size_t>(i)].age;
    age = age + duration;
    if (age >= kMarkersTakeAtMost) Deliver(i);
  }
}

void SimTransactions::Deliver(int64_t index) {
  const Marker marker = markers_[static_cast<size_t>(index)];
  markers_.erase(markers_.begin() + index);
  if (marker.log != nullptr) {
    marker.log->Mark(marker.producer, marker.commit, marker.decision);
  } else {
    offsets_.Mark(marker.producer.id, marker.commit);
  }
  if (--marker.transaction->markers == 0) marker.transaction->state = State::kNone;
}

void SimTransactions::DeliverAllOf(const std::string& transactional_id) {
  const Transaction* transaction = &transactions_[transactional_id];
  for (int64_t i = markers() - 1; i >= 0; --i) {
    if (markers_[static_cast<size_t>(i)].transaction == transaction) Deliver(i);
  }
}

bool SimTransactions::AnyOpen() const {
  return std::any_of(transactions_.begin(), transactions_.end(),
                     [](const auto& entry) { return entry.second.state != State::kNone; });
}

}  // namespace tidemark::sim
