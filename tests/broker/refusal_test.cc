// Where going on would be a guess, tidemark refuses, says why, and takes the way out that a person chooses: on a real
// Kafka whose offsets, records or topics somebody has deleted.
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/state_record.h"
#include "tests/broker/broker_test.h"

namespace tidemark::testing {
namespace {

constexpr int kPartitions = 2;
constexpr int kEvents = 200;
constexpr char kTopic[] = "journey-events";
constexpr char kGroup[] = "tidemark";
constexpr char kStateTopic[] = "tidemark-state";

// Each its own session, all of one minute: they stay open.
std::vector<StoredRecord> Events(int first, int partitions) {
  std::vector<StoredRecord> records;
  for (int i = first; i < first + kEvents; ++i) {
    const std::string id = std::to_string(i);
    const std::string second = std::to_string(10 + i % 50);
    records.push_back({i % partitions,
                       0,
                       id,
                       R"({"id":"e-)" + id + R"(","customerId":")" + id +
                           R"(","customerIdType":"cookie","createdDate":"2025-01-01T00:00:)" + second +
                           R"(Z","webEvent":{"eventName":"page_viewed"}})",
                       {}});
  }
  return records;
}

// What the log says of the partitions that have failed: message and next step.
std::vector<std::string> Failures(const std::string& log) {
  std::vector<std::string> failures;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("code", "") == "partition_failed") {
      failures.push_back(json.value("msg", "") + " | " + json.value("do", ""));
    }
  }
  return failures;
}

class RefusalTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    setenv("TIDEMARK_KAFKA_PROPERTY_SESSION_TIMEOUT_MS", "6000", 1);
    ASSERT_NO_FATAL_FAILURE(StartKafka());
    CreateTopics(kPartitions);
    admin().Write(kTopic, Events(0, kPartitions));
    RunToTheEnd("before");
    // A static member leaves by its time-out; until then nobody else may touch the group's offsets.
    ASSERT_TRUE(Eventually(kPatience, [&] { return admin().Describe(kGroup).members == 0; }));
  }

  void TearDown() override {
    unsetenv("TIDEMARK_KAFKA_PROPERTY_SESSION_TIMEOUT_MS");
    BrokerTest::TearDown();
  }

  // A process that reads and commits everything, and ends. `open`: sessions it has then.
  void RunToTheEnd(const std::string& name, std::optional<int> open = std::nullopt) {
    TidemarkRun run(BaseSettings(), directory(), name);
    ASSERT_TRUE(Eventually(kPatience, [&] {
      return run.Ready() && admin().Committed(kGroup, kTopic, kPartitions) == admin().Ends(kTopic, kPartitions);
    })) << run.Log();
    if (open) {
      EXPECT_TRUE(Eventually(kPatience, [&] { return run.Metric("tidemark_open_sessions") == *open; })) << run.Log();
    }
    run.process().Signal(SIGTERM);
    EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
  }

  // It says so for so many partitions, keeps running, is not ready, and stops as it is told.
  void ExpectRefusal(const std::string& why, size_t partitions, const std::string& what_to_do = "tidemark recover") {
    TidemarkRun run(BaseSettings(), directory(), "refusing");
    ASSERT_TRUE(Eventually(2 * kPatience, [&] { return Failures(run.Log()).size() >= partitions; })) << run.Log();
    EXPECT_FALSE(run.Ready());
    for (const std::string& failure : Failures(run.Log())) {
      EXPECT_NE(failure.find(why), failure.npos) << failure;
      EXPECT_NE(failure.find(what_to_do), failure.npos) << failure;
    }
    run.process().Signal(SIGTERM);
    EXPECT_EQ(run.process().Wait(kPatience), 0) << run.Log();
    EXPECT_EQ(Failures(run.Log()).size(), partitions) << run.Log();
  }

  void Recover(const std::string& from) {
    const Finished recovered =
        RunTidemark("recover", {"--all", "--from", from, "--apply"}, BaseSettings(), directory());
    ASSERT_EQ(recovered.exit_code, 0) << recovered.output << recovered.errors;
  }
};

TEST_F(RefusalTest, OnePartitionBeginsAnewAndTheOtherStaysAsItIs) {
  admin().Commit(kGroup, kTopic, 0, 10, "");
  const auto recover = [&](const std::string& partition) {
    return RunTidemark("recover", {"--partition", partition, "--from", "latest", "--apply"}, BaseSettings(),
                       directory());
  };
  const Finished unknown = recover("7");
  EXPECT_EQ(unknown.exit_code, 78) << unknown.output << unknown.errors;
  EXPECT_NE(unknown.errors.find("has no partition 7: it has 2"), std::string::npos) << unknown.errors;
  const Finished known = recover("0");
  EXPECT_EQ(known.exit_code, 0) << known.output << known.errors;
  RunToTheEnd("after", kEvents / 2);
}

TEST_F(RefusalTest, RecordsThatWereDeletedBeforeTheyWereRead) {
  admin().Write(kTopic, Events(kEvents, kPartitions));
  admin().DeleteRecords(kTopic, kPartitions);
  ExpectRefusal("deleted, or the topic was re-created", kPartitions);
  ASSERT_NO_FATAL_FAILURE(Recover("earliest"));
  admin().Write(kTopic, Events(2 * kEvents, kPartitions));
  RunToTheEnd("after", kEvents);
}

// Kafka deletes the group's offsets with the topic.
TEST_F(RefusalTest, ATopicThatWasMadeAnew) {
  admin().DeleteTopic(kTopic);
  admin().CreateTopic(kTopic, kPartitions);
  ExpectRefusal("no committed offset any more", kPartitions);
  ASSERT_NO_FATAL_FAILURE(Recover("earliest"));
  KafkaAdmin(BaseSettings().at("kafka.brokers")).Write(kTopic, Events(0, kPartitions));
  RunToTheEnd("after", kEvents);
}

TEST_F(RefusalTest, OffsetsThatAreGoneWhileThereIsAState) {
  admin().DeleteCommitted(kGroup, kTopic, kPartitions);
  ExpectRefusal("no committed offset any more", kPartitions);
  ASSERT_NO_FATAL_FAILURE(Recover("earliest"));
  RunToTheEnd("after", kEvents);
}

TEST_F(RefusalTest, OffsetsThatSomebodyElseHasSet) {
  admin().Commit(kGroup, kTopic, 0, 10, "");
  ExpectRefusal("was not written by tidemark", 1);
  ASSERT_NO_FATAL_FAILURE(Recover("committed"));
  RunToTheEnd("after");
}

TEST_F(RefusalTest, APlaceToBeginAtThatIsNotInTheTopic) {
  const auto recover = [&](const std::string& from) {
    return RunTidemark("recover", {"--all", "--from", from, "--apply"}, BaseSettings(), directory());
  };
  const Finished behind = recover("101");
  EXPECT_EQ(behind.exit_code, 78) << behind.output << behind.errors;
  EXPECT_NE(behind.errors.find("cannot begin at 101: the topic has 0 to 100"), std::string::npos) << behind.errors;
  admin().DeleteRecords(kTopic, kPartitions);
  const Finished deleted = recover("99");
  EXPECT_EQ(deleted.exit_code, 78) << deleted.output << deleted.errors;
  EXPECT_NE(deleted.errors.find("cannot begin at 99: the topic has 100 to 100"), std::string::npos) << deleted.errors;
  EXPECT_EQ(recover("100").exit_code, 0) << "where the next record will be";
}

// The broker notices that the first is gone after its session, lets the second in, and notices after another session.
TEST_F(RefusalTest, MembersThatWereStoppedWhileTheyJoined) {
  setenv("TIDEMARK_KAFKA_PROPERTY_SESSION_TIMEOUT_MS", "15000", 1);
  const auto start = [&](const std::string& name) {
    Settings settings = BaseSettings();
    settings["kafka.instance_id"] = name;
    return std::make_unique<TidemarkRun>(settings, directory(), name);
  };
  const auto first = start("first");
  ASSERT_TRUE(first->AwaitReady(kPatience)) << first->Log();
  first->process().Signal(SIGSTOP);  // it cannot join again, which those who join wait for
  const int members = admin().Describe(kGroup).members;
  const auto second = start("second");
  ASSERT_TRUE(Eventually(kPatience, [&] { return admin().Describe(kGroup).members > members; })) << second->Log();
  first->process().Signal(SIGKILL);
  second->process().Signal(SIGKILL);
  EXPECT_EQ(admin().Describe(kGroup).state, "PreparingRebalance");
  Recover("committed");
}

TEST_F(RefusalTest, ACommitOfANewerVersion) {
  admin().Commit(kGroup, kTopic, 1, 100, "tidemark9 and whatever that will say");
  ExpectRefusal("newer", 1, "newer version");
  const std::vector<std::string> ask = {"--all", "--from", "earliest"};
  const std::vector<std::string> apply = {"--all", "--from", "earliest", "--apply"};
  for (const auto& arguments : {ask, apply}) {
    const Finished recovered = RunTidemark("recover", arguments, BaseSettings(), directory());
    EXPECT_EQ(recovered.exit_code, 78) << recovered.output << recovered.errors;
    EXPECT_NE(recovered.errors.find("use the newer version's `tidemark recover`"), std::string::npos)
        << recovered.errors;
  }
  EXPECT_EQ(admin().Committed(kGroup, kTopic, kPartitions), std::vector<int64_t>(kPartitions, 100));
}

TEST_F(RefusalTest, AStateTopicThatWasMadeAnewAndOneOfANewerVersion) {
  admin().DeleteTopic(kStateTopic);
  const Finished missing = RunTidemark("run", {}, BaseSettings(), directory());
  EXPECT_EQ(missing.exit_code, 78) << missing.errors;
  EXPECT_NE(missing.errors.find(kStateTopic), std::string::npos) << missing.errors;
  CreateTopics(kPartitions);
  ExpectRefusal("no state in tidemark-state leads to the committed offset", kPartitions);

  // As a newer version would write it: the format's number is behind the magic, the checksum is right.
  std::string record;
  EncodeStateRecord(Decision{1, Offset{0}, WatermarkMoved{EventTime{0}}}, record);
  constexpr size_t kFormat = 4;
  record.resize(record.size() - sizeof(uint32_t));
  record[kFormat] = 99;
  uint32_t crc = ~0U;
  for (const char c : record) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  crc = ~crc;
  record.append(reinterpret_cast<const char*>(&crc), sizeof(crc));
  for (int i = 0; i < kPartitions; ++i) admin().Write(kStateTopic, {{i, 0, std::nullopt, record, {}}});
  ExpectRefusal("newer version", kPartitions, "newer version");

  ASSERT_NO_FATAL_FAILURE(Recover("earliest"));
  RunToTheEnd("after", kEvents);
}

}  // namespace
}  // namespace tidemark::testing
