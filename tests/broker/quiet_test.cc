// Sessions that close by the clock, because their partition has fallen quiet: on a real Kafka.
#include <csignal>

#include "tests/broker/broker_test.h"

namespace tidemark::testing {
namespace {

constexpr int kPartitions = 2;
constexpr char kTopic[] = "journey-events";

// Of a visitor of this partition, `second` seconds into a day long gone.
StoredRecord Event(int partition, int second) {
  const std::string visitor = std::to_string(partition);
  return {partition,
          0,
          visitor,
          R"({"id":"e-)" + visitor + "-" + std::to_string(second) + R"(","customerId":")" + visitor +
              R"(","customerIdType":"cookie","createdDate":)" + std::to_string(1'700'000'000'000 + second * 1000) +
              R"(,"webEvent":{"eventName":"page_viewed"}})",
          {}};
}

class QuietTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    ASSERT_NO_FATAL_FAILURE(StartKafka());
    CreateTopics(kPartitions);
    Settings settings = BaseSettings();
    settings["time.idle_partition_after"] = "1s";
    settings["time.max_out_of_orderness"] = "1s";
    settings["session.timeout.web"] = "2s";
    settings["session.max_duration.web"] = "1h";
    settings["session.idle_after"] = "1s";
    settings["session.away_after"] = "1s";
    run_ = std::make_unique<TidemarkRun>(settings, directory(), "quiet");
  }

  // So many sessions of the partition's visitor are there.
  void AwaitSessions(int partition, size_t count) {
    EXPECT_TRUE(Eventually(kPatience, [&] { return SessionsOf(partition).size() >= count; })) << run_->Log();
  }

  std::vector<StoredRecord> SessionsOf(int partition) {
    std::vector<StoredRecord> sessions = admin().ReadCommitted("sessions", kPartitions);
    std::erase_if(sessions, [&](const StoredRecord& session) {
      return !session.Header("source").starts_with(std::string(kTopic) + ":" + std::to_string(partition) + ":");
    });
    return sessions;
  }

  std::unique_ptr<TidemarkRun> run_;
};

TEST_F(QuietTest, TheLastSessionOfATopicThatFallsSilentCloses) {
  admin().Write(kTopic, {Event(0, 0), Event(1, 0)});
  AwaitSessions(0, 1);
  AwaitSessions(1, 1);
  run_->process().Signal(SIGTERM);
  EXPECT_EQ(run_->process().Wait(kPatience), 0);
  EXPECT_EQ(SessionsOf(0).size(), 1) << "once";
}

// Whoever reads committed records only sees a partition end before a transaction that is undecided: that is no end.
TEST_F(QuietTest, NothingClosesBeforeAnUndecidedTransaction) {
  admin().Write(kTopic, {Event(0, 0)});
  admin().WriteInTransaction(kTopic, {Event(0, 1)});
  for (int round = 0; round < 3; ++round) {  // of the other partition, meanwhile
    admin().Write(kTopic, {Event(1, round * 100)});
    AwaitSessions(1, static_cast<size_t>(round) + 1);
  }
  EXPECT_TRUE(SessionsOf(0).empty());
  admin().CommitTransaction();
  AwaitSessions(0, 1);
  const std::vector<StoredRecord> sessions = SessionsOf(0);
  ASSERT_EQ(sessions.size(), 1);
  EXPECT_NE(sessions[0].value->find(R"("eventCount":2)"), std::string::npos) << *sessions[0].value;
}

}  // namespace
}  // namespace tidemark::testing
