// The table of settings: each row can be read, written and found, and the documents are made of it.
#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "app/config_text.h"
#include "app/kafka_properties.h"
#include "app/nearest.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

int64_t ParsedMs(std::string_view text) {
  const auto duration = ParseDuration(text);
  return duration ? duration->ms : -1;
}

TEST(Duration, IsReadInAllUnits) {
  EXPECT_EQ(ParsedMs("250ms"), 250);
  EXPECT_EQ(ParsedMs("30s"), 30'000);
  EXPECT_EQ(ParsedMs("20m"), 1'200'000);
  EXPECT_EQ(ParsedMs("24h"), 86'400'000);
  EXPECT_EQ(ParsedMs("30d"), 2'592'000'000);
  EXPECT_EQ(ParsedMs("1h30m"), 5'400'000);
  EXPECT_EQ(ParsedMs("1d2h3m4s5ms"), 93'784'005);
  EXPECT_EQ(ParsedMs("0s"), 0);
  EXPECT_EQ(ParsedMs("5000000000ms"), 5'000'000'000);
  EXPECT_EQ(ParsedMs("21350398233d"), 21'350'398'233 * 86'400'000);
}

TEST(Duration, IsRefusedWhenItIsNone) {
  for (const char* text : {"", "20", "m", "20 m", "-5m", "+5m", "1.5h", "20min", "20M", "30m1h", "1h1h", "1h30", "ms",
                           "21350398234d", "99999999999999999999ms", "1m\n", "20m ", "1s2"}) {
    EXPECT_EQ(ParsedMs(text), -1) << text;
  }
}

TEST(Duration, IsWrittenAsItIsRead) {
  EXPECT_EQ(FormatDuration(Minutes(20)), "20m");
  EXPECT_EQ(FormatDuration(Hours(24)), "24h");
  EXPECT_EQ(FormatDuration(Days(30)), "30d");
  EXPECT_EQ(FormatDuration(Minutes(90)), "1h30m");
  for (const int64_t ms : {0L, 1L, 999L, 1000L, 61'001L, 86'399'999L, 86'400'001L, 172'800'001L, 31'622'400'000L}) {
    EXPECT_EQ(ParsedMs(FormatDuration({ms})), ms) << FormatDuration({ms});
  }
}

TEST(Nearest, FindsTypingErrorsAndNothingElse) {
  const std::vector<std::string> words = {"replay", "run", "config", "check-config"};
  EXPECT_EQ(EditDistance("replay", "repaly"), 1u);  // two letters swapped
  EXPECT_EQ(Nearest("repla", words), "replay");
  EXPECT_EQ(Nearest("rum", words), "run");
  EXPECT_EQ(Nearest("chek-confg", words), "check-config");
  EXPECT_EQ(Nearest("zebra", words), "");
  EXPECT_EQ(Nearest("", words), "");
}

TEST(Settings, HaveUniqueKeysAndVariables) {
  std::set<std::string> keys, variables;
  for (const Setting& setting : AllSettings()) {
    EXPECT_TRUE(keys.insert(std::string(setting.key)).second) << setting.key;
    EXPECT_TRUE(variables.insert(EnvironmentNameOf(setting)).second) << setting.key;
    EXPECT_THAT(std::string(setting.text), testing::EndsWith(".")) << setting.key;
  }
}

TEST(Settings, NameTheirVariables) {
  EXPECT_EQ(EnvironmentNameOf(*FindSetting("kafka.brokers")), "TIDEMARK_KAFKA__BROKERS");
  EXPECT_EQ(EnvironmentNameOf(*FindSetting("session.timeout.web")), "TIDEMARK_SESSION__TIMEOUT__WEB");
  EXPECT_EQ(EnvironmentNameOf(*FindSetting("max_event_bytes")), "TIDEMARK_MAX_EVENT_BYTES");
}

TEST(Settings, TakeTheirOwnDefaults) {
  const Config defaults;
  for (const Setting& setting : AllSettings()) {
    std::string text = ValueAsToml(setting, defaults);
    if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
    if (text.starts_with('[')) continue;  // lists: the example file is read back in the loader's test
    Config config;
    EXPECT_TRUE(Assign(setting, ReadText(setting, text), &config)) << setting.key << " " << text;
  }
}

TEST(Settings, DefaultsAreThoseOfTheContract) {
  const Config defaults;
  const std::pair<const char*, const char*> expected[] = {{"session.timeout.web", "\"20m\""},
                                                          {"session.timeout.app", "\"20m\""},
                                                          {"session.timeout.conversation", "\"24h\""},
                                                          {"session.idle_after", "\"5m\""},
                                                          {"session.away_after", "\"10m\""},
                                                          {"session.max_duration.web", "\"24h\""},
                                                          {"session.max_duration.app", "\"24h\""},
                                                          {"session.max_duration.conversation", "\"30d\""},
                                                          {"session.conversation_linger", "\"10m\""},
                                                          {"session.pageview_events", "[\"page_viewed\"]"},
                                                          {"session.screenview_events", "[\"screen_viewed\"]"},
                                                          {"session.end_events", "[\"session_ended\"]"},
                                                          {"session.list_attributes", "[]"},
                                                          {"session.dedup_horizon", "1024"},
                                                          {"time.max_out_of_orderness", "\"30s\""},
                                                          {"time.max_future_skew", "\"10m\""},
                                                          {"time.idle_partition_after", "\"1m\""},
                                                          {"max_event_bytes", "1048576"}};
  for (const auto& [key, value] : expected) {
    ASSERT_NE(FindSetting(key), nullptr) << key;
    EXPECT_EQ(ValueAsToml(*FindSetting(key), defaults), value) << key;
  }
}

TEST(Settings, RefuseWhatIsOutsideTheirRange) {
  const auto accepts = [](std::string_view key, std::string_view text) {
    Config config;
    return Assign(*FindSetting(key), ReadText(*FindSetting(key), text), &config);
  };
  EXPECT_TRUE(accepts("http.port", "0"));
  EXPECT_TRUE(accepts("http.port", "65535"));
  EXPECT_FALSE(accepts("http.port", "65536"));
  EXPECT_FALSE(accepts("http.port", "-1"));
  EXPECT_FALSE(accepts("http.port", "80 "));
  EXPECT_FALSE(accepts("http.port", ""));
  EXPECT_FALSE(accepts("kafka.shards", "99999999999999999999"));
  EXPECT_FALSE(accepts("kafka.brokers", ""));
  EXPECT_FALSE(accepts("kafka.brokers", "a:1,,b:2"));
  for (const char* wrong :
       {"a:1, b:2", "a:1;b:2", "a:", ":9092", "a:b", "a:0", "a:65536", "a:1:2", "http://a:1", "[::1"}) {
    EXPECT_FALSE(accepts("kafka.brokers", wrong)) << wrong;
  }
  for (const char* right : {"a:1,b:2", "a", "10.0.0.1:9092", "[::1]:9092", "SASL_SSL://a.b:9093", "ssl://a:9093"}) {
    EXPECT_TRUE(accepts("kafka.brokers", right)) << right;
  }
  EXPECT_FALSE(accepts("kafka.events_topic", "a b"));
  EXPECT_FALSE(accepts("kafka.events_topic", ".."));
  EXPECT_FALSE(accepts("kafka.group", "a b")) << "its state topic could not be created";
  EXPECT_FALSE(accepts("kafka.create_topics", "yes"));
  EXPECT_FALSE(accepts("log.level", "warn|error"));
  EXPECT_FALSE(accepts("log.level", "loud"));
  EXPECT_FALSE(accepts("session.timeout.web", "0s"));
  EXPECT_FALSE(accepts("session.timeout.web", "367d"));
  EXPECT_FALSE(accepts("session.end_events", "a,,b"));
}

TEST(CheckTogether, WarnsWhenSessionsEndByTheirLength) {
  Config config;
  EXPECT_THAT(CheckTogether(config).warnings, IsEmpty());
  config.rules.timeout.web = Hours(10);
  const Findings findings = CheckTogether(config);
  ASSERT_EQ(findings.warnings.size(), 1u);
  EXPECT_THAT(findings.warnings[0], HasSubstr("make it at least \"30h\""));
  EXPECT_THAT(findings.errors, IsEmpty());
}

TEST(CheckTogether, RefusesOneTopicForTwoPurposes) {
  Config config;
  config.kafka.late_topic = config.kafka.events_topic;  // would be read again, for ever
  ASSERT_EQ(CheckTogether(config).errors.size(), 1u);
  EXPECT_THAT(CheckTogether(config).errors[0].text, HasSubstr("kafka.events_topic and kafka.late_topic"));
}

TEST(CheckTogether, RefusesATopicThatIsTheStateTopic) {
  Config config;
  config.kafka.group = "sessions";
  config.kafka.late_topic = "sessions-state";
  ASSERT_EQ(CheckTogether(config).errors.size(), 1u);
  EXPECT_THAT(CheckTogether(config).errors[0].text, HasSubstr("kafka.late_topic and the state topic of kafka.group"));
}

TEST(KafkaProperties, RefusesWhatBreaksExactlyOnceWithTheReason) {
  const std::pair<const char*, const char*> refused[] = {{"enable.auto.commit", "true"},
                                                         {"isolation.level", "read_uncommitted"},
                                                         {"enable.idempotence", "false"},
                                                         {"transactional.id", "x"},
                                                         {"group.id", "x"},
                                                         {"bootstrap.servers", "x:1"},
                                                         {"acks", "1"},
                                                         {"auto.offset.reset", "earliest"},
                                                         {"group.instance.id", "x"},
                                                         {"enable.partition.eof", "false"},
                                                         {"enable.auto.offset.store", "true"},
                                                         {"offset.store.method", "file"},
                                                         {"group.protocol", "consumer"},
                                                         {"group.protocol.type", "connect"},
                                                         {"delivery.report.only.error", "true"},
                                                         {"enabled_events", "1"},
                                                         {"test.mock.num.brokers", "1"},
                                                         {"allow.auto.create.topics", "true"},
                                                         {"partition.assignment.strategy", "cooperative-sticky"}};
  for (const auto& [name, value] : refused) {
    const auto problem = ProblemWithProperty(name, value);
    ASSERT_TRUE(problem.has_value()) << name;
    EXPECT_THAT(*problem, testing::AllOf(HasSubstr(name), HasSubstr("tidemark's own: "))) << name;
  }
}

TEST(KafkaProperties, LetsTheOthersThrough) {
  EXPECT_EQ(ProblemWithProperty("sasl.mechanism", "PLAIN"), std::nullopt);
  EXPECT_EQ(ProblemWithProperty("linger.ms", "5"), std::nullopt);
  EXPECT_EQ(ProblemWithProperty("acks", "all"), std::nullopt);
  EXPECT_EQ(ProblemWithProperty("enable.idempotence", "true"), std::nullopt);
  EXPECT_EQ(ProblemWithProperty("enable.partition.eof", "true"), std::nullopt);
  EXPECT_THAT(*ProblemWithProperty("linger.mss", "5"), HasSubstr("did you mean \"linger.ms\"?"));
  EXPECT_THAT(*ProblemWithProperty("linger.ms", "soon"), HasSubstr("refuses \"linger.ms\""));
}

TEST(KafkaProperties, AreFoundByTheirVariable) {
  EXPECT_EQ(PropertyOfVariable("SASL_MECHANISM"), "sasl.mechanism");
  EXPECT_EQ(PropertyOfVariable("LOG_LEVEL"), "log_level");  // one of the few with an underscore
  EXPECT_EQ(PropertyOfVariable("NO_SUCH_THING"), "no.such.thing");
}

}  // namespace
}  // namespace tidemark
