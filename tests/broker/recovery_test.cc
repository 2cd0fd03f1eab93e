// A process or a broker that is killed, a state that is gone: on a real Kafka.
#include <csignal>
#include <cstdlib>

#include "tests/broker/broker_test.h"

namespace tidemark::testing {
namespace {

constexpr int kPartitions = 2;
constexpr int kEvents = 300;

// Each its own session, all of one minute: they stay open.
std::vector<StoredRecord> Events(int first = 0) {
  std::vector<StoredRecord> records;
  for (int i = first; i < first + kEvents; ++i) {
    const std::string id = std::to_string(i);
    records.push_back({i % kPartitions,
                       0,
                       id,
                       R"({"id":"e-)" + id + R"(","customerId":")" + id +
                           R"(","customerIdType":"cookie","createdDate":"2025-01-01T00:00:)" +
                           (i % 60 < 10 ? "0" : "") + std::to_string(i % 60) +
                           R"(Z","webEvent":{"eventName":"page_viewed"}})",
                       {}});
  }
  return records;
}

class KilledTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    setenv("TIDEMARK_KAFKA_PROPERTY_SESSION_TIMEOUT_MS", "6000", 1);
    ASSERT_NO_FATAL_FAILURE(StartKafka());
    CreateTopics(kPartitions);
    admin().Write("journey-events", Events());
  }

  void TearDown() override {
    unsetenv("TIDEMARK_KAFKA_PROPERTY_SESSION_TIMEOUT_MS");
    BrokerTest::TearDown();
  }

  // A process that has read and committed everything.
  void RunToTheEnd(const std::string& name) {
    run_ = std::make_unique<TidemarkRun>(BaseSettings(), directory(), name);
    ASSERT_TRUE(Eventually(kPatience, [&] {
      const std::vector<int64_t> ends = admin().Ends("journey-events", kPartitions);
      return admin().Committed("tidemark", "journey-events", kPartitions) == ends && run_->Ready();
    })) << run_->Log();
  }

  void Stop(int signal) {
    run_->process().Signal(signal);
    EXPECT_EQ(run_->process().Wait(kPatience), signal == SIGKILL ? 128 + SIGKILL : 0) << run_->Log();
  }

  std::unique_ptr<TidemarkRun> run_;
};

TEST_F(KilledTest, OpenSessionsAreThereAgainAfterAKill) {
  RunToTheEnd("first");
  Stop(SIGKILL);
  RunToTheEnd("second");
  EXPECT_TRUE(Eventually(kPatience, [&] { return run_->Metric("tidemark_open_sessions") == kEvents; })) << run_->Log();
  EXPECT_EQ(run_->Metric("tidemark_recovery_records_total"), kEvents);
  Stop(SIGTERM);
  RunToTheEnd("third");
  EXPECT_TRUE(Eventually(kPatience, [&] { return run_->Metric("tidemark_open_sessions") == kEvents; })) << run_->Log();
  EXPECT_EQ(run_->Metric("tidemark_recovery_records_total"), 0) << "a clean stop leaves nothing to replay";
}

// Both signals are there when it looks for the first.
TEST_F(KilledTest, ASecondSignalEndsItAtOnce) {
  RunToTheEnd("first");
  for (const int signal : {SIGSTOP, SIGINT, SIGTERM, SIGCONT}) run_->process().Signal(signal);
  EXPECT_EQ(run_->process().Wait(kPatience), 130) << run_->Log();
  EXPECT_EQ(run_->CountLogged("stopping"), 1) << run_->Log();
  EXPECT_EQ(run_->CountLogged("stopped"), 0) << run_->Log();
  RunToTheEnd("second");
  EXPECT_TRUE(Eventually(kPatience, [&] { return run_->Metric("tidemark_open_sessions") == kEvents; })) << run_->Log();
  Stop(SIGTERM);
}

// Whether the last events are committed by then or not.
TEST_F(KilledTest, StopsInOrderWhileTheBrokerIsAwayAndGoesOnWhenItIsBack) {
  RunToTheEnd("first");
  admin().Write("journey-events", Events(kEvents));
  kafka().Kill();
  ASSERT_TRUE(Eventually(kPatience, [&] { return run_->Logged("broker_away"); })) << run_->Log();
  Stop(SIGTERM);
  EXPECT_EQ(run_->CountLogged("stopping"), 1) << run_->Log();
  EXPECT_EQ(run_->CountLogged("stopped") + run_->CountLogged("close_hangs"), 1) << run_->Log();

  ASSERT_TRUE(kafka().Restart());
  RunToTheEnd("second");
  EXPECT_TRUE(Eventually(kPatience, [&] { return run_->Metric("tidemark_open_sessions") == 2 * kEvents; }))
      << run_->Log();
  Stop(SIGTERM);
}

TEST_F(KilledTest, WithoutItsStateItRefusesUntilToldWhatToDo) {
  RunToTheEnd("first");
  const Finished running =
      RunTidemark("recover", {"--all", "--from", "committed", "--apply"}, BaseSettings(), directory());
  EXPECT_EQ(running.exit_code, 78) << "the group has members: " << running.output << running.errors;
  Stop(SIGTERM);
  admin().DeleteRecords("tidemark-state", kPartitions);

  TidemarkRun refusing(BaseSettings(), directory(), "refusing");
  ASSERT_TRUE(Eventually(2 * kPatience, [&] { return refusing.CountLogged("partition_failed") == kPartitions; }))
      << refusing.Log();
  EXPECT_FALSE(refusing.Ready());
  refusing.process().Signal(SIGTERM);
  EXPECT_EQ(refusing.process().Wait(kPatience), 0) << refusing.Log();

  const Finished asked = RunTidemark("recover", {"--all", "--from", "earliest"}, BaseSettings(), directory());
  EXPECT_EQ(asked.exit_code, 0) << asked.errors;
  EXPECT_NE(asked.output.find("would begin at 0"), std::string::npos) << asked.output;
  const Finished recovered =
      RunTidemark("recover", {"--all", "--from", "earliest", "--apply"}, BaseSettings(), directory());
  EXPECT_EQ(recovered.exit_code, 0) << recovered.errors;
  RunToTheEnd("again");
  EXPECT_TRUE(Eventually(kPatience, [&] { return run_->Metric("tidemark_open_sessions") == kEvents; })) << run_->Log();
  Stop(SIGTERM);
}

}  // namespace
}  // namespace tidemark::testing
