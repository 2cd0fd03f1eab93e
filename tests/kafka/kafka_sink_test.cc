// What a record that is too large becomes; the ordinary forms are in shard_test.cc.
#include "sinks/kafka_sink.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sinks/log.h"
#include "tests/kafka/fake_broker.h"

namespace tidemark {
namespace {

class KafkaSinkTest : public testing::Test {
 protected:
  KafkaSinkTest() { broker_.record_limit = 1000; }

  const WrittenRecord& Only() {
    EXPECT_TRUE(broker_.CommitTransaction().ok());
    EXPECT_EQ(broker_.written.size(), 1U);
    return broker_.written.at(0);
  }

  ManualClock clock_;
  FakeBroker broker_{clock_};
  KafkaSink sink_{broker_, {"sessions", "late", "dead"}};
  const Source source_{"events", {2}};
};

TEST_F(KafkaSinkTest, ASessionOverTheLimitBecomesADeadLetterWithItsSource) {
  const std::string json(2000, 'x');
  ClosedSession session{};
  session.id = "s1";
  session.json = json;
  session.first_offset = {10};
  session.last_offset = {99};
  ASSERT_TRUE(sink_.Session(session, source_).ok());
  const WrittenRecord& record = Only();
  EXPECT_EQ(record.topic, "dead");
  EXPECT_EQ(record.key, "s1");
  EXPECT_EQ(record.value, std::nullopt);
  EXPECT_EQ(record.headers.at("dead-letter-reason"), "session_too_large");
  EXPECT_EQ(record.headers.at("source"), "events:2:10..99");
}

TEST_F(KafkaSinkTest, ADeadLetterOverTheLimitLosesItsValueAndSaysSo) {
  const std::string value(2000, 'x');
  const Record input{value, {5}, kAfterAllTime};
  const RecordHeader header{"big", value};
  const RecordContext context{source_, "k", {&header, 1}};
  std::vector<std::string> codes;
  SetLogHandler([&](const LogRecord& line) { codes.emplace_back(line.code); });
  ASSERT_TRUE(sink_.Dead({input, DeadLetterReason::kTooLarge, "over the limit"}, context).ok());
  SetLogHandler({});
  EXPECT_EQ(codes, std::vector<std::string>{"record_without_value"});
  const WrittenRecord& record = Only();
  EXPECT_EQ(record.value, std::nullopt);
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.headers.at("value-omitted-bytes"), "2000");
  EXPECT_EQ(record.headers.at("dead-letter-offset"), "5");
  EXPECT_EQ(record.headers.count("big"), 0U);
}

TEST_F(KafkaSinkTest, ANullValueAndAnEmptyOneStayDifferent) {
  const RecordContext context{source_, std::nullopt, {}};
  const Record null{std::string_view(), {5}, kAfterAllTime};
  ASSERT_TRUE(sink_.Dead({null, DeadLetterReason::kInvalidJson, ""}, context).ok());
  EXPECT_EQ(Only().value, std::nullopt);
  EXPECT_EQ(Only().key, std::nullopt);
}

TEST_F(KafkaSinkTest, LateEventsSayByHowMuch) {
  const Record input{"{}", {5}, kAfterAllTime};
  const RecordContext context{source_, "k", {}};
  ASSERT_TRUE(sink_.Late({input, LateReason::kSessionClosed, Duration{47}}, context).ok());
  const WrittenRecord& record = Only();
  EXPECT_EQ(record.value, "{}");
  EXPECT_EQ(record.headers.at("late-by-ms"), "47");
  EXPECT_EQ(record.headers.at("late-reason"), "session_closed");
  EXPECT_EQ(record.headers.at("source"), "events:2:5..5");
}

}  // namespace
}  // namespace tidemark
