// The real client on librdkafka's mock cluster: how it reads, writes and reports. What the mock cannot show
// (aborted records that stay invisible, committed offsets) is tested on a real broker.
#include "ingest/kafka_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "ingest/batch_consumer.h"
#include "ingest/embedded_broker.h"
#include "ingest/kafka_state.h"
#include "ingest/topic_reader.h"
#include "ingest/topics.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr int kMaxPolls = 300;  // of 100 ms: a limit for a broken client, not a wait

class KafkaClientTest : public testing::Test {
 protected:
  void SetUp() override {
    auto broker = EmbeddedBroker::Start();
    ASSERT_TRUE(broker.ok()) << broker.status();
    broker_ = *std::move(broker);
    options_.brokers = broker_->brokers();
    options_.instance_id = "test";
    ASSERT_TRUE(broker_->CreateTopic(options_.events_topic, 2).ok());
    ASSERT_TRUE(broker_->CreateTopic(options_.sessions_topic, 1).ok());
    ASSERT_TRUE(broker_->CreateTopic(StateTopic(options_), 2).ok());
  }

  std::unique_ptr<KafkaClient> MakeClient() {
    auto client = KafkaClient::Create(options_, 0);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  static void WriteOne(KafkaClient& client, const OutputRecord& record) {
    ASSERT_TRUE(client.RestartProducer().ok());
    ASSERT_TRUE(client.BeginTransaction().ok());
    ASSERT_TRUE(client.Write(record).ok());
    ASSERT_TRUE(client.CommitTransaction().ok());
  }

  // Polls until `done` says so.
  template <typename Done>
  testing::AssertionResult PollUntil(KafkaClient& client, PollResult& result, Done done) {
    for (int i = 0; i < kMaxPolls; ++i) {
      const absl::Status status = client.Poll(Milliseconds(100), result);
      if (!status.ok()) return testing::AssertionFailure() << status;
      if (done(result)) return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "nothing came";
  }

  testing::AssertionResult AwaitAssignment(KafkaClient& client) {
    PollResult result;
    return PollUntil(client, result, [](const PollResult& r) { return r.change == AssignmentChange::kAssigned; });
  }

  std::unique_ptr<EmbeddedBroker> broker_;
  KafkaOptions options_;
};

TEST_F(KafkaClientTest, RecordsComeWithKeyHeadersAndNullsAsTheyWereWritten) {
  const auto client = MakeClient();
  const RecordHeader headers[] = {{"trace", "t1"}, {"none", std::nullopt}, {"empty", ""}};
  WriteOne(*client, {options_.events_topic, "k", std::nullopt, headers});
  ASSERT_TRUE(AwaitAssignment(*client));
  const PartitionStart starts[] = {{{0}, {0}}, {{1}, {0}}};
  ASSERT_TRUE(client->Assign(starts).ok());
  PollResult result;
  ASSERT_TRUE(PollUntil(*client, result, [](const PollResult& r) { return !r.records.empty(); }));
  const InputRecord& record = result.records[0];
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.record.value.data(), nullptr);
  EXPECT_EQ(record.record.offset, Offset{0});
  EXPECT_GT(record.record.timestamp, EventTime{0});
  const auto read = client->Headers(record);
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[0].name, "trace");
  EXPECT_EQ(read[0].value, "t1");
  EXPECT_EQ(read[1].value, std::nullopt);
  EXPECT_EQ(read[2].value, "");
}

// Kafka's -1 is no time: nothing is from the future then.
TEST_F(KafkaClientTest, ARecordWithoutATimeHasNone) {
  const auto client = MakeClient();
  auto conf = MakeKafkaConf(options_, {});
  ASSERT_TRUE(conf.ok());
  auto producer = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
  ASSERT_TRUE(producer.ok());
  char value[] = "v";
  ASSERT_EQ(rd_kafka_producev(producer->get(), RD_KAFKA_V_TOPIC(options_.events_topic.c_str()),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(value, 1),
                              RD_KAFKA_V_TIMESTAMP(-1), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_flush(producer->get(), 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_TRUE(AwaitAssignment(*client));
  const PartitionStart starts[] = {{{0}, {0}}, {{1}, {0}}};
  ASSERT_TRUE(client->Assign(starts).ok());
  PollResult result;
  ASSERT_TRUE(PollUntil(*client, result, [](const PollResult& r) { return !r.records.empty(); }));
  EXPECT_EQ(result.records[0].record.timestamp, kAfterAllTime);
}

TEST_F(KafkaClientTest, NothingIsReadBeforeTheShardAnswersTheAssignment) {
  const auto client = MakeClient();
  WriteOne(*client, {options_.events_topic, "k", "v", {}});
  ASSERT_TRUE(AwaitAssignment(*client));
  PollResult result;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client->Poll(Milliseconds(50), result).ok());
    EXPECT_TRUE(result.records.empty());
  }
}

TEST_F(KafkaClientTest, TheEndOfAPartitionIsReportedAndAskedFor) {
  const auto client = MakeClient();
  ASSERT_TRUE(AwaitAssignment(*client));
  const PartitionStart starts[] = {{{1}, {0}}};
  const auto epoch = client->Assign(starts);
  PollResult result;
  ASSERT_TRUE(PollUntil(*client, result, [](const PollResult& r) { return !r.ends.empty(); }));
  EXPECT_EQ(result.ends[0].end, Offset{0});
  EXPECT_EQ(result.assignment_epoch, *epoch);
  const PartitionId both[] = {{0}, {1}};
  const auto ends = client->EndOffsets(both);
  EXPECT_EQ(ends.at(0), Offset{0});
  EXPECT_EQ(ends.at(1), Offset{0});
}

// Releases of librdkafka before 2.2 look again only after a second when as much as they may fetch ahead was waiting.
// Here that is so dozens of times, and a pause is a Next without a record.
TEST_F(KafkaClientTest, AReaderThatFallsBehindDoesNotPause) {
  options_.properties = {{"message.max.bytes", "20000"},
                         {"fetch.message.max.bytes", "20000"},
                         {"fetch.max.bytes", "20000"},
                         {"queued.max.messages.kbytes", "100"}};
  constexpr size_t kRecords = 4000;
  {
    const auto writer = MakeClient();
    const std::string value(1000, 'x');
    ASSERT_TRUE(writer->RestartProducer().ok());
    ASSERT_TRUE(writer->BeginTransaction().ok());
    for (size_t i = 0; i < kRecords; ++i) {
      ASSERT_TRUE(writer->Write({options_.events_topic, std::to_string(i), value, {}}).ok());
    }
    ASSERT_TRUE(writer->CommitTransaction().ok());
  }
  KafkaProperties ours = {{"group.id", "reader"}, {"enable.partition.eof", "false"}};
  BatchConsumer::AddReadAhead(options_, ours);
  auto conf = MakeKafkaConf(options_, ours);
  ASSERT_TRUE(conf.ok());
  BatchConsumer reader;
  ASSERT_TRUE(reader.Open(*std::move(conf)).ok());
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(2));
  for (const int partition : {0, 1}) {
    rd_kafka_topic_partition_list_add(list.get(), options_.events_topic.c_str(), partition)->offset = 0;
  }
  reader.Assign(list.get());
  size_t read = 0;
  int pauses = 0;
  while (read < kRecords && pauses < kMaxPolls) {
    const auto batch = reader.Next(Milliseconds(500), 10);
    read += batch.size();
    if (batch.empty() && read > 0) ++pauses;
    std::this_thread::sleep_for(std::chrono::microseconds(500));  // the reader's work, longer than that of fetching
  }
  EXPECT_EQ(read, kRecords);
  EXPECT_LT(pauses, 10);
}

TEST_F(KafkaClientTest, RecordsMayBeLargerThanAFetchIsByDefault) {
  options_.properties = {{"message.max.bytes", "12000000"}};
  const auto client = KafkaClient::Create(options_, 0);
  EXPECT_TRUE(client.ok()) << client.status();
}

TEST_F(KafkaClientTest, AnOffsetThatDoesNotExistIsAnErrorOfThePartition) {
  const auto client = MakeClient();
  ASSERT_TRUE(AwaitAssignment(*client));
  const PartitionStart starts[] = {{{0}, {17}}, {{1}, {0}}};
  ASSERT_TRUE(client->Assign(starts).ok());
  PollResult result;
  ASSERT_TRUE(PollUntil(*client, result, [](const PollResult& r) { return !r.errors.empty(); }));
  EXPECT_EQ(result.errors[0].partition, PartitionId{0});
}

TEST_F(KafkaClientTest, AProducerCanBeReplacedInTheMiddleOfATransaction) {
  const auto client = MakeClient();
  ASSERT_TRUE(client->RestartProducer().ok());
  ASSERT_TRUE(client->BeginTransaction().ok());
  ASSERT_TRUE(client->Write({options_.sessions_topic, "k", "v", {}}).ok());
  WriteOne(*client, {options_.sessions_topic, "k", "second", {}});
}

// librdkafka sends the end of a transaction again whose connection broke. That the commit is in doubt then must not
// depend on whether the user wants to be told of connections.
TEST_F(KafkaClientTest, ACommitWhoseConnectionBreaksIsInDoubt) {
  constexpr int16_t kEndTxn = 26;
  options_.properties["log.connection.close"] = "false";
  const auto client = MakeClient();
  ASSERT_TRUE(AwaitAssignment(*client));
  const PartitionStart starts[] = {{{0}, {0}}, {{1}, {0}}};
  ASSERT_TRUE(client->Assign(starts).ok());
  const CommittedOffset offset{{0}, Offset{0}, "token"};
  for (const bool breaks : {false, true, true, false}) {
    ASSERT_TRUE(client->RestartProducer().ok());
    ASSERT_TRUE(client->BeginTransaction().ok());
    ASSERT_TRUE(client->Write({options_.sessions_topic, "k", "v", {}}).ok());
    ASSERT_TRUE(client->SendOffsets({&offset, 1}).ok());
    if (breaks) {
      rd_kafka_mock_push_request_errors(broker_->cluster(), kEndTxn, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
    }
    const absl::Status committed = client->CommitTransaction();
    EXPECT_EQ(absl::IsAborted(committed), breaks) << committed;
  }
}

// librdkafka itself answers for all partitions or for none.
TEST_F(KafkaClientTest, ALeaderThatIsAwayKeepsNoOtherPartitionsEndFromUs) {
  constexpr int32_t kGoes = 2;
  auto brokers = EmbeddedBroker::Start(2);
  ASSERT_TRUE(brokers.ok()) << brokers.status();
  broker_ = *std::move(brokers);
  options_.brokers = broker_->brokers();
  ASSERT_TRUE(broker_->CreateTopic(options_.events_topic, 2).ok());
  for (const int32_t partition : {0, 1}) {
    rd_kafka_mock_partition_set_leader(broker_->cluster(), options_.events_topic.c_str(), partition, partition + 1);
  }
  rd_kafka_mock_coordinator_set(broker_->cluster(), "group", options_.group.c_str(), 1);
  const auto client = MakeClient();
  const PartitionId both[] = {{0}, {1}};
  const auto ends = client->EndOffsets(both);
  ASSERT_EQ(ends, (std::vector<std::optional<Offset>>{Offset{0}, Offset{0}}));
  rd_kafka_mock_broker_set_down(broker_->cluster(), kGoes);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client->EndOffsets(both), (std::vector<std::optional<Offset>>{Offset{0}, std::nullopt})) << i;
  }
  rd_kafka_mock_broker_set_up(broker_->cluster(), kGoes);
  std::optional<Offset> end;
  for (int i = 0; i < kMaxPolls && !end; ++i) {
    end = client->EndOffsets(both).at(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(end, Offset{0}) << "asked again when it is back";
}

TEST_F(KafkaClientTest, ABrokerThatHangsIsNotWaitedForForEver) {
  constexpr int kAnswersAfterMs = 20'000;
  const auto client = MakeClient();
  ASSERT_TRUE(client->StateEnd({0}).ok());
  ASSERT_TRUE(client->FirstOffset({0}).ok());
  rd_kafka_mock_broker_set_rtt(broker_->cluster(), 1, kAnswersAfterMs);
  EXPECT_TRUE(absl::IsUnavailable(client->StateEnd({0}).status()));
  EXPECT_TRUE(absl::IsUnavailable(client->FirstOffset({0}).status()));
  rd_kafka_mock_broker_set_rtt(broker_->cluster(), 1, 0);
}

TEST_F(KafkaClientTest, OffsetsAreNotSentWhileTheGroupHasNotTakenUsIn) {
  const auto client = MakeClient();
  ASSERT_TRUE(client->RestartProducer().ok());
  ASSERT_TRUE(client->BeginTransaction().ok());
  const CommittedOffset offset{{0}, Offset{0}, "token"};
  EXPECT_TRUE(absl::IsAborted(client->SendOffsets({&offset, 1})));
}

TEST_F(KafkaClientTest, TheReaderSeesWhatWasCommittedWithItsHeaders) {
  const auto client = MakeClient();
  const RecordHeader header{"close-reason", "inactivity"};
  WriteOne(*client, {options_.sessions_topic, "id", "{}", {&header, 1}});
  const auto reader = TopicReader::Open(options_, {options_.sessions_topic});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> seen;
  for (int i = 0; i < kMaxPolls && seen.empty(); ++i) {
    (*reader)->Read(Milliseconds(100), [&](const ReadRecord& record) {
      seen.emplace_back(record.headers.at("close-reason"));
      EXPECT_EQ(record.key, "id");
    });
  }
  EXPECT_EQ(seen, std::vector<std::string>{"inactivity"});
}

// Of a refusal, here of a broker without SASL, somebody has to hear. That no broker is connected is as it should be.
TEST_F(KafkaClientTest, AReaderOfTheStateThatReadsNothingTellsOfARefusalAndOfNothingElse) {
  options_.properties = {{"security.protocol", "sasl_plaintext"},
                         {"sasl.mechanism", "PLAIN"},
                         {"sasl.username", "user"},
                         {"sasl.password", "password"}};
  const auto state = KafkaState::Create(options_, 0);
  ASSERT_TRUE(state.ok()) << state.status();
  std::atomic<int> refusals = 0;
  std::atomic<int> others = 0;
  SetLogHandler([&](const LogRecord& record) { ++(record.code == "broker_refuses" ? refusals : others); });
  for (int i = 0; i < kMaxPolls && refusals < 2; ++i) {
    (*state)->ServeIdle();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  SetLogHandler({});
  EXPECT_GE(refusals, 2);
  EXPECT_EQ(others, 0);
}

TEST_F(KafkaClientTest, WhoPollsForRecordsTakesNothingOfTheStateThatIsBeingRead) {
  constexpr int kRecords = 1'000;  // of several batches
  const auto client = MakeClient();
  ASSERT_TRUE(client->RestartProducer().ok());
  ASSERT_TRUE(client->BeginTransaction().ok());
  std::vector<std::string> written;
  for (int i = 0; i < kRecords; ++i) {
    const std::string& value = written.emplace_back(std::to_string(i));
    ASSERT_TRUE(client->Write({StateTopic(options_), std::nullopt, value, {}, PartitionId{0}}).ok());
  }
  ASSERT_TRUE(client->CommitTransaction().ok());
  const PartitionStart start{{0}, kFirstRecord};
  ASSERT_TRUE(client->ReadState({&start, 1}).ok());
  std::vector<std::string> read;
  StatePollResult state;
  PollResult result;
  for (int i = 0; i < kMaxPolls && state.ends.empty(); ++i) {
    ASSERT_TRUE(client->PollState(Milliseconds(100), state).ok());
    for (const StateInput& record : state.records) read.emplace_back(record.value);
    if (read.empty()) continue;  // from here on something waits to be read
    ASSERT_TRUE(client->Poll(Duration{0}, result).ok());
  }
  EXPECT_EQ(read, written);
}

TEST_F(KafkaClientTest, MissingTopicsAreNamedWithTheCommandThatCreatesThem) {
  const auto topics = DescribeTopics(options_, Seconds(10));
  ASSERT_TRUE(topics.ok()) << topics.status();
  EXPECT_EQ(topics->at(0).partitions, 2U);
  const std::string message(RequireTopics(*topics).message());
  EXPECT_NE(message.find("sessions-late (late events, written)"), std::string::npos) << message;
  EXPECT_NE(message.find("sessions-dead-letters"), std::string::npos) << message;
  EXPECT_NE(message.find("tidemark topics --create"), std::string::npos) << message;
  EXPECT_EQ(message.find("journey-events"), std::string::npos) << message;
}

TEST(KafkaNamesTest, AreStableOverRestarts) {
  KafkaOptions options;
  options.instance_id = "pod-1";
  EXPECT_EQ(MemberId(options, 2), "pod-1-2");
  EXPECT_EQ(TransactionalId(options, 2), "tidemark.pod-1.2");
  options.instance_id = "pod-1.host%.example";
  EXPECT_EQ(TransactionalId(options, 2), "tidemark.pod-1%2Ehost%25%2Eexample.2") << "nobody else's group and instance";
  options.properties["transaction.timeout.ms"] = "20000";
  EXPECT_EQ(TransactionTimeout(options), Seconds(20));
}

TEST(LibrdkafkaTest, KnownBadReleasesAreRefused) {
  for (const int bad : {0x020100ff, 0x020101ff, 0x020500ff, 0x020a00ff}) EXPECT_FALSE(CheckLibrdkafka(bad).ok());
  for (const int good : {0x020002ff, 0x020800ff, 0x020501ff, 0x020b00ff}) EXPECT_TRUE(CheckLibrdkafka(good).ok());
}

TEST(KafkaConfTest, ARefusedPropertyIsNamed) {
  KafkaOptions options;
  options.properties["fetch.wait.max.ms"] = "soon";
  const auto conf = MakeKafkaConf(options, {});
  EXPECT_NE(std::string(conf.status().message()).find("fetch.wait.max.ms"), std::string::npos) << conf.status();
}

}  // namespace
}  // namespace tidemark
