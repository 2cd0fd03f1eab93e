// The job on a broker in memory: what it says of itself, and how it ends where a call to the broker does not return.
// The watchdog ends the whole process, so each death is that of a process of its own.
#include "app/job.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "app/exit_codes.h"
#include "tests/kafka/fake_broker.h"

namespace tidemark {
namespace {

constexpr PartitionId kP0{0};
constexpr std::chrono::milliseconds kPause{1};
constexpr int kMaxPauses = 60'000;  // a limit for a broken job, not a wait

enum class HangsIn : uint8_t { kNothing, kPoll, kCommit, kClose };

// Time passes while it waits, and fast while it hangs.
class HangingBroker : public FakeBroker {
 public:
  HangingBroker(ManualClock& clock, HangsIn hangs_in) : FakeBroker(clock), clock_(clock), hangs_in_(hangs_in) {}

  absl::Status poll_answer;

  absl::Status Poll(Duration timeout, PollResult& result) override {
    if (hangs_in_ == HangsIn::kPoll) Hang();
    clock_.Advance(timeout);
    const absl::Status status = FakeBroker::Poll(timeout, result);
    return status.ok() ? poll_answer : status;
  }
  absl::Status CommitTransaction() override {
    if (hangs_in_ != HangsIn::kCommit) return FakeBroker::CommitTransaction();
    Hang();
    return absl::InternalError("nobody ended what hung");
  }
  void Close() override {
    if (hangs_in_ == HangsIn::kClose) Hang();
    FakeBroker::Close();
  }

  void LetGo() { let_go_ = true; }

 private:
  void Hang() {
    for (int i = 0; i < kMaxPauses && !let_go_; ++i) {
      clock_.Advance(Seconds(1));
      std::this_thread::sleep_for(kPause);
    }
  }

  ManualClock& clock_;
  const HangsIn hangs_in_;
  std::atomic<bool> let_go_{false};
};

class JobTest : public testing::Test {
 protected:
  JobTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  // A broker that has assigned partition 0.
  std::unique_ptr<HangingBroker> MakeBroker(HangsIn hangs_in = HangsIn::kNothing) {
    auto broker = std::make_unique<HangingBroker>(*clock_, hangs_in);
    broker->GiveChange(AssignmentChange::kAssigned, {kP0});
    return broker;
  }

  // One shard for each broker.
  std::unique_ptr<Job> Start(std::vector<std::unique_ptr<Broker>> brokers) {
    JobOptions options;
    options.config.kafka.shards = static_cast<uint32_t>(brokers.size());
    options.make_broker = [&brokers](const KafkaOptions&, uint32_t shard) { return std::move(brokers.at(shard)); };
    options.clock = clock_;
    auto job = Job::Start(std::move(options));
    EXPECT_TRUE(job.ok()) << job.status();
    return *std::move(job);
  }
  std::unique_ptr<Job> Start(std::unique_ptr<Broker> broker) {
    std::vector<std::unique_ptr<Broker>> brokers;
    brokers.push_back(std::move(broker));
    return Start(std::move(brokers));
  }

  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < kMaxPauses && !condition(); ++i) std::this_thread::sleep_for(kPause);
    return condition();
  }

  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

using JobDeathTest = JobTest;

TEST_F(JobDeathTest, ACommitThatHangsEndsTheProcess) {
  EXPECT_EXIT(Start(MakeBroker(HangsIn::kCommit))->Wait().IgnoreError(), testing::ExitedWithCode(kExitInternal),
              "error commit_hangs: .*start it again");
}

TEST_F(JobDeathTest, AClosingThatHangsIsDoneWithoutAndTheExitCodeIsTheJobs) {
  const auto stop = [&] {
    const auto job = Start(MakeBroker(HangsIn::kClose));
    job->RequestStop();
    job->Wait().IgnoreError();
  };
  EXPECT_EXIT(stop(), testing::ExitedWithCode(kExitOk), "warn close_hangs: ");
  const auto fail = [&] {
    auto broker = MakeBroker(HangsIn::kClose);
    broker->poll_answer = absl::FailedPreconditionError("test");
    Start(std::move(broker))->Wait().IgnoreError();
  };
  EXPECT_EXIT(fail(), testing::ExitedWithCode(kExitConfig), "warn close_hangs: ");
}

TEST_F(JobTest, IsNotAliveWhileAShardDoesNotTurn) {
  auto broker = MakeBroker(HangsIn::kPoll);
  HangingBroker& hanging = *broker;
  const auto job = Start(std::move(broker));
  EXPECT_TRUE(Eventually([&] { return !job->Liveness().ok; }));
  EXPECT_TRUE(job->Liveness().detail.starts_with("a shard has not turned for ")) << job->Liveness().detail;
  hanging.LetGo();
  EXPECT_TRUE(Eventually([&] { return job->Liveness().ok; }));
}

TEST_F(JobTest, SaysWhyItIsNotReady) {
  const auto expect = [&](std::unique_ptr<HangingBroker> broker, const std::string& detail, bool ready = false) {
    const auto job = Start(std::move(broker));
    EXPECT_TRUE(Eventually([&] { return job->Readiness().detail == detail; })) << job->Readiness().detail;
    EXPECT_EQ(job->Readiness().ok, ready) << detail;
    job->RequestStop();
    EXPECT_EQ(job->Readiness().detail, "shutting down");
    EXPECT_FALSE(job->Readiness().ok);
    EXPECT_TRUE(job->Wait().ok());
  };
  expect(std::make_unique<HangingBroker>(*clock_, HangsIn::kNothing), "shard 0 waits for the group or the brokers");
  auto silent = MakeBroker();
  silent->committed_answer = absl::UnavailableError("test");
  expect(std::move(silent), "partition 0 recovers");
  auto foreign = MakeBroker();
  foreign->committed[kP0] = {kP0, Offset{0}, "tidemark9 and whatever that will say"};
  expect(std::move(foreign), "partition 0 has failed");
  expect(MakeBroker(), "all assigned partitions are running", true);
  auto idle = MakeBroker();
  idle->GiveChange(AssignmentChange::kAssigned, {});
  expect(std::move(idle), "all assigned partitions are running", true);
}

TEST_F(JobTest, AShardThatFailsEndsTheOthersAndItsErrorIsTheJobs) {
  std::vector<std::unique_ptr<Broker>> brokers;
  brokers.push_back(MakeBroker());
  auto failing = MakeBroker();
  failing->poll_answer = absl::PermissionDeniedError("test");
  brokers.push_back(std::move(failing));
  const auto job = Start(std::move(brokers));
  ASSERT_TRUE(Eventually([&] { return job->finished(); }));
  EXPECT_EQ(job->Wait(), absl::PermissionDeniedError("test"));
}

}  // namespace
}  // namespace tidemark
