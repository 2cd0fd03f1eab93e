// The simulated brokers do what real ones do, where it matters most: a simulator that is too kind proves nothing.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/sim_group.h"
#include "tests/sim/sim_log.h"
#include "tests/sim/sim_offsets.h"
#include "tests/sim/sim_transactions.h"

namespace tidemark::sim {
namespace {

using TransactionAnswer = SimTransactions::Answer;
using GroupAnswer = SimGroup::Answer;

constexpr PartitionId kP0{0};

SimRecord RecordOf(const std::string& value) {
  SimRecord record;
  record.value = value;
  return record;
}

class SimTransactionsTest : public testing::Test {
 protected:
  SimTransactionsTest() { EXPECT_EQ(transactions_.InitProducer("t", producer_), TransactionAnswer::kOk); }

  void Write(SimLog& log, const std::string& value) {
    ASSERT_EQ(transactions_.AddPartition("t", producer_, &log, 0), TransactionAnswer::kOk);
    ASSERT_TRUE(log.Append(producer_, RecordOf(value)));
  }
  void SendOffset(Offset offset) {
    ASSERT_EQ(transactions_.AddPartition("t", producer_, nullptr, 0), TransactionAnswer::kOk);
    const CommittedOffset committed{kP0, offset, ""};
    offsets_.AddPending(producer_.id, {&committed, 1});
  }
  TransactionAnswer Commit() { return transactions_.End("t", producer_, true); }

  static std::vector<std::string> Visible(const SimLog& log) {
    std::vector<std::string> values;
    for (auto at = log.NextVisible({0}); at; at = log.NextVisible({at->value + 1})) {
      values.push_back(*log.at(*at).record.value);
    }
    return values;
  }

  SimOffsets offsets_;
  SimTransactions transactions_{offsets_};
  ProducerEpoch producer_;
  SimLog log_;
  SimLog other_log_;
};

using Values = std::vector<std::string>;

TEST_F(SimTransactionsTest, MarkersArriveOneAfterTheOther) {
  Write(log_, "a");
  Write(other_log_, "b");
  SendOffset({7});
  EXPECT_EQ(Commit(), TransactionAnswer::kOk);
  transactions_.Deliver(0);
  EXPECT_EQ(Visible(log_), Values{"a"});
  EXPECT_EQ(Visible(other_log_), Values{});
  EXPECT_TRUE(offsets_.IsPending(kP0)) << "who asks for stable offsets waits";
  EXPECT_EQ(transactions_.AddPartition("t", producer_, &log_, 0), TransactionAnswer::kConcurrent);
  transactions_.DeliverAllOf("t");
  EXPECT_EQ(Visible(other_log_), Values{"b"});
  EXPECT_EQ(offsets_.Of(kP0).offset, Offset{7});
}

TEST_F(SimTransactionsTest, AnOpenTransactionHidesWhatLiesBehindIt) {
  Write(log_, "open");
  log_.AppendOutsideTransaction(RecordOf("behind"));
  EXPECT_EQ(log_.stable_end(), Offset{0});
  EXPECT_EQ(transactions_.InitProducer("t", producer_), TransactionAnswer::kConcurrent);
  transactions_.DeliverAllOf("t");
  EXPECT_EQ(Visible(log_), Values{"behind"}) << "the new producer has aborted it";
}

TEST_F(SimTransactionsTest, ALateRequestEndsTheNextTransactionOfTheSameProducer) {
  Write(log_, "first");
  EXPECT_EQ(Commit(), TransactionAnswer::kOk);
  transactions_.DeliverAllOf("t");
  Write(log_, "second");
  EXPECT_EQ(transactions_.End("t", producer_, true), TransactionAnswer::kOk) << "the late copy of the first";
  transactions_.DeliverAllOf("t");
  EXPECT_EQ(Visible(log_), (Values{"first", "second"}));
  EXPECT_EQ(Commit(), TransactionAnswer::kOk) << "and the client never learns";
}

TEST_F(SimTransactionsTest, ANewProducerIsSafeFromItAndFencesTheOld) {
  const ProducerEpoch old = producer_;
  Write(log_, "lost");
  EXPECT_EQ(transactions_.InitProducer("t", producer_), TransactionAnswer::kConcurrent);
  transactions_.DeliverAllOf("t");
  EXPECT_EQ(transactions_.InitProducer("t", producer_), TransactionAnswer::kOk);
  EXPECT_EQ(transactions_.End("t", old, true), TransactionAnswer::kFenced);
  EXPECT_FALSE(log_.Append(old, RecordOf("too late")));
  EXPECT_EQ(Visible(log_), Values{});
}

TEST_F(SimTransactionsTest, ATransactionThatTakesTooLongIsAborted) {
  Write(log_, "a");
  transactions_.Expire(SimTransactions::kTimeout.ms + 1);
  EXPECT_EQ(Commit(), TransactionAnswer::kFenced);
}

TEST(SimGroupTest, AStaticSuccessorTakesThePartitionsAndFencesItsPredecessor) {
  SimGroup group(2);
  const int64_t first = group.Join("a", 0);
  const int32_t generation = group.generation();
  const int64_t second = group.Join("a", 5);
  EXPECT_EQ(group.Ask("a", first), GroupAnswer::kFenced);
  EXPECT_EQ(group.Ask("a", second), GroupAnswer::kStable);
  EXPECT_EQ(group.generation(), generation) << "without a rebalance";
  EXPECT_EQ(group.PartitionsOf("a").size(), 2U);
}

TEST(SimGroupTest, ARebalanceWaitsForAllMembersOrTheirSilence) {
  SimGroup group(3);
  const int64_t a = group.Join("a", 0);
  const int64_t b = group.Join("b", 0);
  EXPECT_EQ(group.Ask("a", a), GroupAnswer::kRebalancing);
  EXPECT_EQ(group.Ask("b", b), GroupAnswer::kJoined);
  EXPECT_EQ(group.JoinAgain("a", a, 0), GroupAnswer::kStable);
  EXPECT_EQ(group.PartitionsOf("a").size(), 2U);
  group.Join("c", 0);
  const int64_t later = SimGroup::kSessionTimeout.ms + 1;
  group.Heartbeat("b", b, later);
  EXPECT_EQ(group.JoinAgain("b", b, later), GroupAnswer::kJoined) << "a and c are waited for";
  group.Expire(later);
  EXPECT_EQ(group.Ask("b", b), GroupAnswer::kStable);
  EXPECT_EQ(group.Ask("a", a), GroupAnswer::kUnknown);
  EXPECT_EQ(group.PartitionsOf("b").size(), 3U);
}

}  // namespace
}  // namespace tidemark::sim
