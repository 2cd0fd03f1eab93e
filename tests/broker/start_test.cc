// How `tidemark run` starts when something it needs is not there.
#include <chrono>
#include <csignal>
#include <numeric>
#include <thread>

#include "tests/broker/broker_test.h"

namespace tidemark::testing {
namespace {

class StartTest : public BrokerTest {};

TEST_F(StartTest, WaitsForABrokerThatIsAway) {
  const uint16_t port = FreePort();
  const Settings settings = {{"kafka.brokers", "127.0.0.1:" + std::to_string(port)}, {"kafka.create_topics", "true"}};
  TidemarkRun run(settings, directory(), "run");
  ASSERT_TRUE(Eventually(kPatience, [&] { return run.Logged("broker_away"); })) << run.Log();

  StartKafka(port);
  EXPECT_TRUE(run.AwaitReady(kPatience)) << run.Log();
  EXPECT_EQ(run.CountLogged("broker_away"), 1) << "one clear line, not a flood:\n" << run.Log();
  EXPECT_EQ(run.CountLogged("broker_back"), 1) << run.Log();
  EXPECT_EQ(admin().Ends("sessions-late", 4), std::vector<int64_t>(4, 0)) << "kafka.create_topics made the topics";

  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
}

TEST_F(StartTest, WhileItWaitsForABrokerItIsAliveAndNotReadyAndStops) {
  TidemarkRun run({{"kafka.brokers", "127.0.0.1:" + std::to_string(FreePort())}}, directory(), "run");
  ASSERT_TRUE(Eventually(kPatience, [&] { return run.Logged("broker_away"); })) << run.Log();
  EXPECT_EQ(run.Probe("/livez"), "200 starting\n") << run.Log();
  EXPECT_EQ(run.Probe("/readyz"), "503 waits for the brokers and the topics\n") << run.Log();
  EXPECT_FALSE(run.Logged("running")) << run.Log();
  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
  EXPECT_EQ(run.CountLogged("stopped"), 1) << run.Log();
}

// The broker speaks plain text only. That it does is no reason to look at the network.
TEST_F(StartTest, SaysThatABrokerRefusesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  Settings settings = BaseSettings();
  settings["kafka.properties.security.protocol"] = "ssl";
  const Finished topics = RunTidemark("topics", {}, settings, directory());
  EXPECT_EQ(topics.exit_code, 77) << topics.errors;
  EXPECT_NE(topics.errors.find("refuse the connection"), std::string::npos) << topics.errors;

  TidemarkRun run(settings, directory(), "run");
  ASSERT_TRUE(Eventually(kPatience, [&] { return run.Logged("broker_refuses"); })) << run.Log();
  EXPECT_EQ(run.CountLogged("broker_away"), 0) << run.Log();
  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
}

TEST_F(StartTest, NamesAMissingTopicAndTheTopicsCommandMakesIt) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  admin().CreateTopic("journey-events", 4);
  admin().CreateTopic("sessions", 4);

  const Finished run = RunTidemark("run", {}, BaseSettings(), directory());
  EXPECT_EQ(run.exit_code, 78) << run.errors;
  EXPECT_NE(run.errors.find("sessions-late"), std::string::npos) << run.errors;
  EXPECT_NE(run.errors.find("sessions-dead-letters"), std::string::npos) << run.errors;
  EXPECT_NE(run.errors.find("tidemark topics --create"), std::string::npos) << run.errors;

  const Finished missing = RunTidemark("topics", {"--check"}, BaseSettings(), directory());
  EXPECT_EQ(missing.exit_code, 78) << missing.output << missing.errors;
  const Finished created = RunTidemark("topics", {"--create"}, BaseSettings(), directory());
  EXPECT_EQ(created.exit_code, 0) << created.errors;
  const Finished complete = RunTidemark("topics", {"--check"}, BaseSettings(), directory());
  EXPECT_EQ(complete.exit_code, 0) << complete.output << complete.errors;
}

// A topic that is asked for does not come into being, though the broker would let it.
TEST_F(StartTest, GenerateNamesAMissingTopicOrMakesIt) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  Settings settings = BaseSettings();
  for (int i = 0; i < 2; ++i) {
    const Finished refused = RunTidemark("generate", {"--events", "3"}, settings, directory());
    EXPECT_EQ(refused.exit_code, 78) << refused.errors;
    EXPECT_NE(refused.errors.find("the topic journey-events does not exist"), std::string::npos) << refused.errors;
  }
  settings["kafka.create_topics"] = "true";
  const Finished made = RunTidemark("generate", {"--events", "3"}, settings, directory());
  EXPECT_EQ(made.exit_code, 0) << made.errors;
  const std::vector<int64_t> ends = admin().Ends("journey-events", 4);
  EXPECT_EQ(std::accumulate(ends.begin(), ends.end(), int64_t{0}), 3);
}

// Whatever Kafka deletes or compacts of the state is a session that is lost with the next restart; and a compacted
// topic takes no record without a key, as late events and dead letters may be.
TEST_F(StartTest, RefusesTopicsOfWhichKafkaWouldDeleteOrRefuseRecords) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  const auto expect_refusal = [&](const std::string& command, const std::vector<std::string>& arguments,
                                  const std::string& setting, const std::string& value, const std::string& why) {
    Settings settings = BaseSettings();
    settings[setting] = value;
    settings["kafka.create_topics"] = "true";
    const Finished finished = RunTidemark(command, arguments, settings, directory());
    EXPECT_EQ(finished.exit_code, 78) << command << " with " << value << ": " << finished.errors;
    EXPECT_NE(finished.errors.find("the topic " + why), std::string::npos) << finished.errors;
    EXPECT_NE(finished.errors.find("kafka-configs.sh --bootstrap-server 127.0.0.1:"), std::string::npos)
        << finished.errors;
  };
  admin().CreateTopic("week-state", 4, {{"retention.ms", "604800000"}});
  admin().CreateTopic("compact-state", 4, {{"cleanup.policy", "compact"}, {"retention.ms", "-1"}});
  admin().CreateTopic("no-key", 4, {{"cleanup.policy", "compact,delete"}});
  expect_refusal("run", {}, "kafka.group", "week", "week-state has retention.ms=604800000");
  expect_refusal("topics", {"--create"}, "kafka.group", "week", "week-state has retention.ms=604800000");
  expect_refusal("topics", {"--check"}, "kafka.group", "week", "week-state has retention.ms=604800000");
  expect_refusal("run", {}, "kafka.group", "compact", "compact-state has cleanup.policy=compact");
  expect_refusal("run", {}, "kafka.late_topic", "no-key", "no-key has cleanup.policy=compact,delete");
  expect_refusal("run", {}, "kafka.dead_letters_topic", "no-key", "no-key has cleanup.policy=compact,delete");
}

TEST_F(StartTest, WarnsWhenItMayNotSeeTheSettingsOfTheStateTopic) {
  ASSERT_NO_FATAL_FAILURE(StartKafka(0, kAuthorizer));
  CreateTopics(4);
  admin().Forbid("tidemark-state", RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS);
  TidemarkRun run(BaseSettings(), directory(), "run");
  ASSERT_TRUE(run.AwaitReady(kPatience)) << run.Log();
  EXPECT_EQ(run.CountLogged("topic_unchecked"), 1) << run.Log();
  EXPECT_NE(run.Log().find("see to it that it has cleanup.policy=delete, retention.ms=-1, retention.bytes=-1"),
            std::string::npos)
      << run.Log();
  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
}

// What Kafka tells of each partition only, and librdkafka of a partition once.
TEST_F(StartTest, SaysSoWhenItMayNotDeleteWhatTheStateTopicNeedsNoMore) {
  ASSERT_NO_FATAL_FAILURE(StartKafka(0, kAuthorizer));
  CreateTopics(1);
  admin().Forbid("tidemark-state", RD_KAFKA_ACL_OPERATION_DELETE);
  Settings settings = BaseSettings();
  settings["state.snapshot_interval"] = "1s";
  TidemarkRun run(settings, directory(), "run");
  ASSERT_TRUE(run.AwaitReady(kPatience)) << run.Log();
  EXPECT_TRUE(Eventually(kPatience, [&] {
    admin().Write("journey-events", {{0, 0, "key", "no event", {}}});  // so that there is something for a snapshot
    return run.Logged("state_not_truncated");
  })) << run.Log();
  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
}

TEST_F(StartTest, EndsWhenItMayNotReadTheStateTopic) {
  ASSERT_NO_FATAL_FAILURE(StartKafka(0, kAuthorizer));
  CreateTopics(1);
  admin().Forbid("tidemark-state", RD_KAFKA_ACL_OPERATION_READ);
  const Finished run = RunTidemark("run", {}, BaseSettings(), directory());
  EXPECT_EQ(run.exit_code, 77) << run.errors;
  EXPECT_NE(run.errors.find("tidemark-state"), std::string::npos) << run.errors;
}

// Then somebody who may has to add them; it does not claim to have done so itself.
TEST_F(StartTest, SaysSoWhenItMayNotAddPartitionsToTheStateTopic) {
  ASSERT_NO_FATAL_FAILURE(StartKafka(0, kAuthorizer));
  CreateTopics(1);
  admin().Forbid("tidemark-state", RD_KAFKA_ACL_OPERATION_ALTER);
  admin().AddPartitions("journey-events", 2);
  Settings settings = BaseSettings();
  settings["kafka.shards"] = "1";
  TidemarkRun run(settings, directory(), "run");
  ASSERT_TRUE(Eventually(kPatience, [&] { return run.Logged("state_partitions_refused"); })) << run.Log();
  std::this_thread::sleep_for(std::chrono::seconds(2));  // in which it tries often
  EXPECT_EQ(run.CountLogged("state_partitions_refused"), 1) << run.Log();
  EXPECT_EQ(run.CountLogged("state_partitions_added"), 0) << run.Log();
  EXPECT_FALSE(run.Ready());

  admin().ForbidNothing("tidemark-state");
  admin().AddPartitions("tidemark-state", 2);
  EXPECT_TRUE(run.AwaitReady(kPatience)) << "somebody has added them: " << run.Log();
  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
}

// What the producer takes and the topic does not: it will not be otherwise the next time.
TEST_F(StartTest, EndsWhereATopicRefusesARecord) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  admin().CreateTopic("sessions-dead-letters", 4, {{"max.message.bytes", "1000"}});
  CreateTopics(4);
  admin().Write("journey-events", {{0, 0, "key", std::string(5000, 'x'), {}}});
  const Finished run = RunTidemark("run", {}, BaseSettings(), directory());
  EXPECT_EQ(run.exit_code, 78) << run.errors;
  EXPECT_NE(run.errors.find("sessions-dead-letters refuses a record of 5000 bytes"), std::string::npos) << run.errors;
}

TEST_F(StartTest, SaysThatThePortIsInUse) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  CreateTopics(4);
  TidemarkRun first(BaseSettings(), directory(), "first");
  ASSERT_TRUE(first.AwaitReady(kPatience)) << first.Log();

  Settings settings = BaseSettings();
  settings["kafka.instance_id"] = "second";
  settings["http.address"] = "127.0.0.1";
  settings["http.port"] = std::to_string(first.Port());
  const Finished second = RunTidemark("run", {}, settings, directory());
  EXPECT_EQ(second.exit_code, 69) << second.errors;
  EXPECT_NE(second.errors.find(settings["http.port"]), std::string::npos) << second.errors;
  EXPECT_NE(second.errors.find("http.port"), std::string::npos) << second.errors;

  first.process().Signal(SIGTERM);
  EXPECT_EQ(first.process().Wait(kPatience), 0) << first.Log();
}

}  // namespace
}  // namespace tidemark::testing
