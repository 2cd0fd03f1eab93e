// A group whose members, partitions and rules change under a continuous load, on a real Kafka: what it writes is what
// the plain core makes of the same records and logged decisions, each session once.
#include <csignal>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/broker/broker_test.h"
#include "tests/faults/check.h"
#include "tests/faults/decision_log.h"
#include "tests/faults/group_settings.h"
#include "tests/faults/load.h"

namespace tidemark::testing {
namespace {

constexpr std::chrono::seconds kSettleLimit{180};
constexpr int kAnotherHasTheName = 78;

class GroupTest : public BrokerTest {
 protected:
  void Begin(int partitions) {
    ASSERT_NO_FATAL_FAILURE(StartKafka(0, kBrokerProperties));
    partitions_ = partitions;
    // Records carry the broker's time, so that it is known in which order they and decisions came.
    admin().CreateTopic(OutputTopics().events, partitions, {{"message.timestamp.type", "LogAppendTime"}});
    const Finished created = RunTidemark("topics", {"--create"}, SettingsOf("any"), directory());
    ASSERT_EQ(created.exit_code, 0) << created.errors;
    decisions_ = std::make_unique<DecisionLog>(admin_address(), StateTopicName(), partitions);
  }

  static std::string StateTopicName() { return std::string(kGroup) + "-state"; }
  std::string admin_address() const { return BaseSettings().at("kafka.brokers"); }

  Settings SettingsOf(const std::string& name) const {
    Settings settings = GroupSettings(partitions_);
    settings["kafka.brokers"] = admin_address();
    settings["kafka.instance_id"] = name;
    settings["kafka.shards"] = "1";
    settings["session.timeout.web"] = "12s";
    settings["session.timeout.app"] = "8s";
    settings["session.timeout.conversation"] = "15s";
    settings["session.conversation_linger"] = "2s";
    for (const auto& [key, value] : extra_) settings[key] = value;
    return settings;
  }

  void BeginLoad() {
    LoadOptions options{admin_address(), OutputTopics().events, partitions_, ++loads_, 1'000};
    load_ = std::make_unique<Load>(options);
  }

  TidemarkRun& Join(const std::string& name) {
    auto& run = runs_[name];
    run = std::make_unique<TidemarkRun>(SettingsOf(name), directory(), name + "." + std::to_string(++lives_));
    return *run;
  }

  void Leave(const std::string& name, int signal) {
    const auto run = runs_.extract(name);
    run.mapped()->process().Signal(signal);
    const auto exit_code = run.mapped()->process().Wait(kPatience);
    EXPECT_EQ(exit_code, signal == SIGTERM ? 0 : 128 + signal) << run.mapped()->Log();
  }

  // All have joined, and partitions are at work everywhere.
  void AwaitGroup() {
    const auto ready = [&] {
      for (const auto& [name, run] : runs_) {
        if (!run->Ready()) return false;
      }
      const GroupDescription group = admin().Describe(kGroup);
      return group.state == "Stable" && group.members == static_cast<int>(runs_.size());
    };
    ASSERT_TRUE(Eventually(2 * kPatience, ready)) << runs_.begin()->second->Log();
  }

  // A good share of new records is committed: the group has worked as it is now.
  void AwaitProgress() {
    const auto committed = [&] {
      const std::vector<int64_t> offsets = admin().Committed(kGroup, OutputTopics().events, partitions_);
      return std::accumulate(offsets.begin(), offsets.end(), int64_t{0});
    };
    const int64_t before = committed();
    ASSERT_TRUE(Eventually(2 * kPatience, [&] { return committed() >= before + 2'000; }))
        << runs_.begin()->second->Log();
  }

  void Settle() {
    ASSERT_TRUE(load_->Stop()) << "records were never delivered";
    const std::vector<int64_t> ends = admin().Ends(OutputTopics().events, partitions_);
    ASSERT_TRUE(Eventually(kSettleLimit, [&] {
      return admin().Committed(kGroup, OutputTopics().events, partitions_) == ends && OpenSessions() == 0;
    })) << runs_.begin()->second->Log();
    while (!runs_.empty()) Leave(runs_.begin()->first, SIGTERM);
  }

  double OpenSessions() {
    double open = 0;
    for (const auto& [name, run] : runs_) open += run->Metric("tidemark_open_sessions").value_or(1e9);
    return open;
  }

  void ExpectEachSessionOnce(const Rules& rules) {
    const std::vector<int64_t> ends = admin().Ends(StateTopicName(), static_cast<int>(decisions_->partitions().size()));
    ASSERT_TRUE(decisions_->Finish(ends)) << (decisions_->overtaken() ? "the test was too slow to read the state topic"
                                                                      : "the state topic could not be read to its end");
    const Verdict verdict = CheckRun(admin(), {}, rules, Logs(), directory());
    for (const std::string& problem : verdict.problems) ADD_FAILURE() << problem;
    for (const std::string& example : verdict.differences.examples) ADD_FAILURE() << example;
    EXPECT_EQ(verdict.differences.lost + verdict.differences.duplicated + verdict.differences.wrong, 0u);
    EXPECT_GT(verdict.sessions, 1'000u) << "too few for a test";
    EXPECT_GT(verdict.snapshots, 0u);
    std::cout << verdict.records << " records, " << verdict.sessions << " sessions, " << verdict.moves
              << " moves of the watermark, " << verdict.snapshots << " snapshots\n";
  }

  virtual std::vector<PartitionLog> Logs() { return decisions_->partitions(); }

  int partitions_ = 0;
  Settings extra_;  // of processes that join from now on
  std::unique_ptr<DecisionLog> decisions_;
  std::unique_ptr<Load> load_;
  std::map<std::string, std::unique_ptr<TidemarkRun>> runs_;
  int lives_ = 0;
  uint64_t loads_ = 0;
};

TEST_F(GroupTest, TwoFourEightInstancesAndBackOverSixteenPartitions) {
  ASSERT_NO_FATAL_FAILURE(Begin(16));
  BeginLoad();
  for (const int size : {2, 4, 8}) {
    while (static_cast<int>(runs_.size()) < size) Join("instance-" + std::to_string(runs_.size()));
    ASSERT_NO_FATAL_FAILURE(AwaitGroup());
    ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  }
  Leave("instance-7", SIGKILL);
  for (const char* name : {"instance-6", "instance-5", "instance-4"}) Leave(name, SIGTERM);
  ASSERT_NO_FATAL_FAILURE(AwaitGroup());
  ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  Leave("instance-3", SIGKILL);
  Leave("instance-2", SIGTERM);
  ASSERT_NO_FATAL_FAILURE(AwaitGroup());
  ASSERT_NO_FATAL_FAILURE(Settle());
  ExpectEachSessionOnce(RulesOf(SettingsOf("any")));
}

class AddedPartitionsTest : public GroupTest {
 protected:
  // The first log knows the partitions of the beginning; what is in the others is not truncated yet.
  std::vector<PartitionLog> Logs() override {
    std::vector<PartitionLog> logs = decisions_->partitions();
    DecisionLog more(admin_address(), StateTopicName(), partitions_);
    EXPECT_TRUE(more.Finish(admin().Ends(StateTopicName(), partitions_)));
    for (size_t i = logs.size(); i < more.partitions().size(); ++i) logs.push_back(more.partitions()[i]);
    return logs;
  }
};

TEST_F(AddedPartitionsTest, TheirRecordsBecomeSessionsWithoutARestart) {
  extra_["kafka.partitions"] = "7";  // of the topics of the outputs
  extra_["state.snapshot_interval"] = "1h";
  extra_["kafka.properties.topic.metadata.refresh.interval.ms"] = "1000";
  ASSERT_NO_FATAL_FAILURE(Begin(3));
  Join("first");
  Join("second");
  ASSERT_NO_FATAL_FAILURE(AwaitGroup());
  BeginLoad();
  ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  ASSERT_TRUE(load_->Stop());
  partitions_ = 7;
  admin().AddPartitions(OutputTopics().events, partitions_);
  BeginLoad();
  ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  ASSERT_NO_FATAL_FAILURE(Settle());
  EXPECT_EQ(admin().Ends(StateTopicName(), partitions_).size(), 7u);
  ExpectEachSessionOnce(RulesOf(SettingsOf("any")));
}

TEST_F(GroupTest, OtherRulesCountFromTheCommittedOffsetOn) {
  ASSERT_NO_FATAL_FAILURE(Begin(3));
  const Rules rules_of_the_beginning = RulesOf(SettingsOf("any"));
  BeginLoad();
  Join("first");
  ASSERT_NO_FATAL_FAILURE(AwaitGroup());
  ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  for (const int signal : {SIGTERM, SIGKILL}) {
    Leave("first", signal);
    extra_["session.timeout.web"] = signal == SIGTERM ? "9s" : "14s";
    extra_["time.max_out_of_orderness"] = signal == SIGTERM ? "1s" : "7s";
    const TidemarkRun& again = Join("first");
    ASSERT_NO_FATAL_FAILURE(AwaitGroup());
    EXPECT_GE(again.CountLogged("rules_changed"), partitions_) << again.Log();  // more after a lost transaction
    ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  }
  ASSERT_NO_FATAL_FAILURE(Settle());
  ExpectEachSessionOnce(rules_of_the_beginning);
}

TEST_F(GroupTest, OfTwoProcessesWithOneNameOneGoesOn) {
  ASSERT_NO_FATAL_FAILURE(Begin(3));
  BeginLoad();
  TidemarkRun& first = Join("twin");
  ASSERT_NO_FATAL_FAILURE(AwaitGroup());
  ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  TidemarkRun second(SettingsOf("twin"), directory(), "the-other-twin");
  ASSERT_TRUE(Eventually(2 * kPatience, [&] { return !first.process().Running() || !second.process().Running(); }))
      << first.Log() << second.Log();
  TidemarkRun& ended = first.process().Running() ? second : first;
  EXPECT_EQ(ended.process().Wait(kPatience), kAnotherHasTheName) << ended.Log();
  EXPECT_NE(ended.Log().find("instance_id"), std::string::npos) << ended.Log();
  TidemarkRun& other = &ended == &first ? second : first;
  ASSERT_TRUE(other.AwaitReady(kPatience)) << other.Log();
  ASSERT_NO_FATAL_FAILURE(AwaitProgress());
  EXPECT_TRUE(other.process().Running()) << other.Log();
  other.process().Signal(SIGTERM);
  EXPECT_EQ(other.process().Wait(kPatience), 0) << other.Log();
  runs_.clear();
  Join("twin");
  ASSERT_NO_FATAL_FAILURE(Settle());
  ExpectEachSessionOnce(RulesOf(SettingsOf("any")));
}

}  // namespace
}  // namespace tidemark::testing
