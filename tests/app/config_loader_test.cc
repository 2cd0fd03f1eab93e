// The loader: who overrides whom, and every form of error with its place.
#include "app/config_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/settings.h"

namespace tidemark {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LoaderTest : public testing::Test {
 protected:
  ~LoaderTest() override { std::filesystem::remove(file_); }

  void Write(std::string_view contents) { std::ofstream(file_, std::ios::binary) << contents; }

  absl::StatusOr<LoadedConfig> Load(std::vector<std::string> environment = {}, std::vector<std::string> sets = {}) {
    return LoadConfig({file_, std::move(environment), std::move(sets)});
  }

  // The one error of a file with these contents, without the name of the file.
  std::string ErrorOf(std::string_view contents) {
    Write(contents);
    const auto loaded = Load();
    if (loaded.ok()) return "no error";
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
    std::string message(loaded.status().message());
    for (size_t at = message.find(file_ + ":"); at != std::string::npos; at = message.find(file_ + ":")) {
      message.erase(at, file_.size() + 1);
    }
    return message;
  }

  // ctest runs the tests of this class at once, each in a process of its own.
  const std::string file_ =
      (std::filesystem::temp_directory_path() / ("tidemark-" + std::to_string(getpid()) + ".toml"));
};

TEST_F(LoaderTest, EmptyFileGivesTheDefaults) {
  Write("");
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.rules.timeout.web, Minutes(20));
  EXPECT_TRUE(loaded->origins.empty());
}

TEST_F(LoaderTest, FlagOverridesEnvironmentOverridesFileOverridesDefault) {
  Write("[session]\ntimeout = { web = \"1m\", app = \"1m\", conversation = \"1m\" }\n");
  const auto loaded = Load({"TIDEMARK_SESSION__TIMEOUT__APP=2m", "TIDEMARK_SESSION__TIMEOUT__WEB=2m", "HOME=/"},
                           {"session.timeout.web=3m", "session.timeout.web=4m"});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.rules.timeout.conversation, Minutes(1));
  EXPECT_EQ(loaded->config.rules.timeout.app, Minutes(2));
  EXPECT_EQ(loaded->config.rules.timeout.web, Minutes(4));
  EXPECT_EQ(loaded->config.rules.idle_after, Minutes(5));
  EXPECT_EQ(loaded->origins.at("session.timeout.web"), "--set session.timeout.web");
  EXPECT_EQ(loaded->origins.at("session.timeout.app"), "environment variable TIDEMARK_SESSION__TIMEOUT__APP");
  EXPECT_EQ(loaded->origins.at("session.timeout.conversation"), file_ + ":2:52");
}

TEST_F(LoaderTest, NoFileIsNeeded) {
  const auto loaded = LoadConfig({"", {"TIDEMARK_KAFKA__BROKERS=kafka:9092", "TIDEMARK_KAFKA__EVENTS_TOPIC=e"}, {}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.kafka.brokers, "kafka:9092");
  EXPECT_EQ(loaded->config.kafka.events_topic, "e");
}

TEST_F(LoaderTest, EveryTypeIsRead) {
  Write(
      "max_event_bytes = 2048\n[session]\nend_events = [\"bye\", \"gone\"]\n"
      "[kafka]\ncreate_topics = true\nbrokers = \"a:1,b:2\"\n[http]\nport = 0\n");
  const auto loaded = Load({"TIDEMARK_SESSION__PAGEVIEW_EVENTS=a,b", "TIDEMARK_SESSION__SCREENVIEW_EVENTS="});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.rules.max_event_bytes, 2048u);
  EXPECT_THAT(loaded->config.rules.end_events, ElementsAre("bye", "gone"));
  EXPECT_THAT(loaded->config.rules.pageview_events, ElementsAre("a", "b"));
  EXPECT_THAT(loaded->config.rules.screenview_events, ElementsAre());
  EXPECT_TRUE(loaded->config.kafka.create_topics);
  EXPECT_EQ(loaded->config.http.port, 0);
}

TEST_F(LoaderTest, PropertiesQuotedOrDottedOrFromTheEnvironment) {
  Write(
      "[kafka.properties]\n\"sasl.mechanism\" = \"PLAIN\"\nsasl.username = \"me\"\nlinger.ms = 5\n"
      "socket.keepalive.enable = true\n");
  const auto loaded =
      Load({"TIDEMARK_KAFKA_PROPERTY_SASL_MECHANISM=SCRAM-SHA-512"}, {"kafka.properties.client.rack=eu-1"});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::map<std::string, std::string> expected = {{"sasl.mechanism", "SCRAM-SHA-512"},
                                                       {"sasl.username", "me"},
                                                       {"linger.ms", "5"},
                                                       {"socket.keepalive.enable", "true"},
                                                       {"client.rack", "eu-1"}};
  EXPECT_EQ(loaded->config.kafka.properties, expected);
}

TEST_F(LoaderTest, UnknownVariableIsAWarning) {
  const auto loaded = LoadConfig({"", {"TIDEMARK_KAFKA__BROKER=x:1", "TIDEMARK_CONFIG=f"}, {}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_THAT(loaded->warnings[0], HasSubstr("did you mean \"TIDEMARK_KAFKA__BROKERS\"?"));
}

TEST_F(LoaderTest, UnknownVariablesAreOneWarningAndThoseOfAKubernetesServiceNone) {
  const auto loaded = LoadConfig(
      {"",
       {"TIDEMARK_SERVICE_HOST=10.0.0.1", "TIDEMARK_SERVICE_PORT_HTTP=9480", "TIDEMARK_PORT=tcp://10.0.0.1:9480",
        "TIDEMARK_PORT_9480_TCP_ADDR=10.0.0.1", "TIDEMARK_KAFKA_SERVICE_HOST=10.0.0.2",
        "TIDEMARK_KAFKA_PORT_9092_TCP_PORT=9092", "TIDEMARK_KAFKA__PROPERTIES__SASL__PASSWORD=x", "TIDEMARK_NONE=1"},
       {}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->warnings,
              ElementsAre(AllOf(HasSubstr("did you mean \"TIDEMARK_KAFKA_PROPERTY_SASL_PASSWORD\"?"),
                                HasSubstr("TIDEMARK_NONE"), Not(HasSubstr("SERVICE")), Not(HasSubstr("_PORT")))));
}

TEST_F(LoaderTest, AListInAFlagIsWrittenAsInAFileOrWithCommas) {
  const std::vector<std::string> both = {"logout", "session_ended"};
  for (const char* text : {"logout,session_ended", " logout , session_ended", "[\"logout\", 'session_ended']"}) {
    const auto loaded = LoadConfig({"", {}, {std::string("session.end_events=") + text}});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->config.rules.end_events, both) << text;
  }
  for (const char* none : {"", "[]"}) {
    const auto loaded = LoadConfig({"", {std::string("TIDEMARK_SESSION__END_EVENTS=") + none}, {}});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_TRUE(loaded->config.rules.end_events.empty()) << none;
  }
  for (const char* wrong : {"[a]", "[1]", "[\"a\"", "[]\nmore = 1", "a,,b", "\"a\", \"b\""}) {
    EXPECT_FALSE(LoadConfig({"", {}, {std::string("session.end_events=") + wrong}}).ok()) << wrong;
  }
}

TEST_F(LoaderTest, CredentialsThatTheProtocolDoesNotUseAreAWarning) {
  const auto warnings = [](std::vector<std::string> sets) {
    const auto loaded = LoadConfig({"", {}, std::move(sets)});
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? loaded->warnings : std::vector<std::string>();
  };
  const std::string user = "kafka.properties.sasl.username=me";
  EXPECT_THAT(warnings({user}), ElementsAre(HasSubstr("security.protocol = plaintext does not use it")));
  EXPECT_THAT(warnings({user, "kafka.properties.security.protocol=SSL"}), ElementsAre(HasSubstr("sasl.username")));
  EXPECT_THAT(warnings({"kafka.properties.ssl.ca.location=/ca", "kafka.properties.security.protocol=SASL_PLAINTEXT"}),
              ElementsAre(HasSubstr("ssl.ca.location")));
  EXPECT_THAT(warnings({user, "kafka.properties.ssl.ca.location=/ca", "kafka.properties.security.protocol=SASL_SSL"}),
              IsEmpty());
}

TEST_F(LoaderTest, AWrongSecretIsNotShown) {
  EXPECT_THAT(ErrorOf("[kafka.properties]\n\"sasl.password\" = [\"hunter2\"]\n"), Not(HasSubstr("hunter2")));
}

TEST_F(LoaderTest, UnknownKeySuggestsTheNearest) {
  EXPECT_EQ(ErrorOf("[session]\nidle_afer = \"5m\"\n"),
            "2:1: unknown setting \"session.idle_afer\", did you mean \"session.idle_after\"?");
  EXPECT_EQ(ErrorOf("\n  max_event_byte = 3\n"),
            "2:3: unknown setting \"max_event_byte\", did you mean \"max_event_bytes\"?");
  EXPECT_EQ(ErrorOf("[session]\ntimeout = { webb = \"1m\" }\n"),
            "2:13: unknown setting \"session.timeout.webb\", did you mean \"session.timeout.web\"?");
}

TEST_F(LoaderTest, UnknownTableIsOneError) {
  EXPECT_EQ(ErrorOf("[sesion]\nidle_after = \"5m\"\naway_after = \"5m\"\n"),
            "1:2: unknown setting \"sesion\", did you mean \"session\"?");
}

TEST_F(LoaderTest, KeyInTheWrongTableIsToldWhereItBelongs) {
  EXPECT_EQ(ErrorOf("[session]\nmax_future_skew = \"5m\"\n"),
            "2:1: unknown setting \"session.max_future_skew\", did you mean \"time.max_future_skew\"?");
  EXPECT_THAT(ErrorOf("[kafka]\nsasl_mechanism = \"PLAIN\"\n"),
              HasSubstr("write it under [kafka.properties] as \"sasl.mechanism\" = ..."));
}

TEST_F(LoaderTest, KeyLikeNoOtherPointsToTheList) {
  EXPECT_EQ(ErrorOf("zzzzzzzzzzzz = 1\n"),
            "1:1: unknown setting \"zzzzzzzzzzzz\"; `tidemark config --help` lists all of them");
}

TEST_F(LoaderTest, BadValuesSayWhatWasExpected) {
  const std::string duration = "; expected a duration like \"20m\", \"1h30m\" or \"250ms\", from 1s to 366d";
  EXPECT_EQ(ErrorOf("[session]\nidle_after = \"5 minutes\"\n"),
            "2:14: session.idle_after cannot be \"5 minutes\"" + duration);
  EXPECT_EQ(ErrorOf("[session]\nidle_after = 5\n"), "2:14: session.idle_after cannot be 5" + duration);
  EXPECT_EQ(ErrorOf("[session]\nidle_after = \"0s\"\n"), "2:14: session.idle_after cannot be \"0s\"" + duration);
  EXPECT_EQ(ErrorOf("[http]\nport = 70000\n"),
            "2:8: http.port cannot be 70000; expected a whole number, from 0 to 65535");
  EXPECT_EQ(ErrorOf("[http]\nport = 3000.0\n"),
            "2:8: http.port cannot be 3000.0; expected a whole number, from 0 to 65535");
  EXPECT_EQ(ErrorOf("[kafka]\ncreate_topics = 1\n"), "2:17: kafka.create_topics cannot be 1; expected true or false");
  EXPECT_EQ(ErrorOf("[log]\nlevel = \"loud\"\n"),
            "2:9: log.level cannot be \"loud\"; expected one of \"trace\", \"debug\", \"info\", \"warn\", \"error\"");
  EXPECT_THAT(ErrorOf("[session]\nend_events = [1]\n"),
              HasSubstr("2:14: session.end_events cannot be [ 1 ]; expected a list"));
  EXPECT_THAT(ErrorOf("[session]\nend_events = \"a\"\n"),
              HasSubstr("2:14: session.end_events cannot be \"a\"; expected a list"));
  EXPECT_THAT(ErrorOf("[kafka]\nevents_topic = \"a b\"\n"),
              HasSubstr("2:16: kafka.events_topic cannot be \"a b\"; expected a text"));
  EXPECT_THAT(ErrorOf("[kafka]\nbrokers = 1979-05-27\n"), HasSubstr("2:11: kafka.brokers cannot be 1979-05-27"));
  EXPECT_THAT(ErrorOf("[http.port]\nx = 1\n"), HasSubstr("http.port cannot be a table"));
}

TEST_F(LoaderTest, TablesAndValuesAreNotMixedUp) {
  EXPECT_EQ(ErrorOf("[session]\ntimeout = \"20m\"\n"),
            "2:1: session.timeout cannot be \"20m\"; expected a table of app, conversation, web");
  EXPECT_THAT(ErrorOf("kafka = 1\n"), HasSubstr("1:1: kafka cannot be 1; expected a table of brokers, "));
  EXPECT_THAT(ErrorOf("[kafka]\nproperties = 1\n"), HasSubstr("expected a table of properties of librdkafka"));
}

TEST_F(LoaderTest, ConflictsAreToldWhereOneOfTheSettingsIs) {
  EXPECT_EQ(ErrorOf("[kafka]\nlate_topic = \"tidemark-state\"\n"),
            "2:14: kafka.late_topic and the state topic of kafka.group are both \"tidemark-state\"; give each a topic "
            "of its own");
  EXPECT_EQ(ErrorOf("[kafka]\ngroup = \"a/b\"\n"),
            "2:9: kafka.group cannot be \"a/b\"; expected a text of at least 1 and at most 200 characters: letters, "
            "digits, '.', '_' and '-'");
}

TEST_F(LoaderTest, RefusedPropertiesSayWhyAndWhere) {
  EXPECT_EQ(ErrorOf("[kafka.properties]\n\"group.id\" = \"x\"\n"),
            "2:1: the librdkafka property \"group.id\" is tidemark's own: set kafka.group instead");
  EXPECT_THAT(ErrorOf("[kafka.properties]\nenable.auto.commit = true\n"), HasSubstr("committed in the transaction"));
  EXPECT_THAT(ErrorOf("[kafka.properties]\nlinger.ms = [1]\n"), HasSubstr("expected a text, a number, true or false"));
}

TEST_F(LoaderTest, AllErrorsAreToldInTheOrderOfTheFile) {
  EXPECT_EQ(ErrorOf("[session]\nidle_afer = \"5m\"\n[http]\nport = -1\n[kafka]\nbrokrs = \"\"\n"),
            "2:1: unknown setting \"session.idle_afer\", did you mean \"session.idle_after\"?\n"
            "4:8: http.port cannot be -1; expected a whole number, from 0 to 65535\n"
            "6:1: unknown setting \"kafka.brokrs\", did you mean \"kafka.brokers\"?");
}

TEST_F(LoaderTest, WhatIsNotTomlIsToldWithItsPlace) {
  EXPECT_THAT(ErrorOf("a = \n"), HasSubstr("1:5: this is not TOML: "));
  EXPECT_THAT(ErrorOf("[session]\nidle_after = \"5m\"\nidle_after = \"6m\"\n"), HasSubstr("3:"));  // twice
  EXPECT_THAT(ErrorOf("[session\n"), HasSubstr("this is not TOML"));
  EXPECT_THAT(ErrorOf(std::string_view("a = \"\0\"\n", 8)), HasSubstr("this is not TOML"));
  EXPECT_THAT(ErrorOf("a = \"\xFF\"\n"), HasSubstr("this is not TOML"));
}

TEST_F(LoaderTest, MissingFilesAndDirectoriesAreNoInput) {
  const auto missing = LoadConfig({"/no/such/file.toml", {}, {}});
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/no/such/file.toml: No such file or directory"));
  const auto directory = LoadConfig({"/", {}, {}});
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(directory.status().message()), HasSubstr("Is a directory"));
}

TEST_F(LoaderTest, BadVariablesAndFlagsAreNamed) {
  const auto error = [](const ConfigSources& sources) { return std::string(LoadConfig(sources).status().message()); };
  EXPECT_EQ(
      error({"", {"TIDEMARK_HTTP__PORT=x"}, {}}),
      "environment variable TIDEMARK_HTTP__PORT: http.port cannot be \"x\"; expected a whole number, from 0 to 65535");
  EXPECT_THAT(error({"", {"TIDEMARK_KAFKA_PROPERTY_GROUP_ID=x"}, {}}), HasSubstr("set kafka.group instead"));
  EXPECT_THAT(error({"", {}, {"http.prt=1"}}),
              HasSubstr("--set http.prt: unknown setting \"http.prt\", did you mean \"http.port\"?"));
  EXPECT_THAT(error({"", {}, {"http.port"}}), HasSubstr("expected section.key=value"));
  EXPECT_THAT(error({"", {}, {"kafka.late_topic=sessions"}}), HasSubstr("give each a topic of its own"));
  EXPECT_THAT(error({"", {"TIDEMARK_KAFKA_PROPERTY_TRANSACTION_TIMEOUT_MS=5000"}, {"kafka.commit_interval=10s"}}),
              HasSubstr("--set kafka.commit_interval: kafka.commit_interval = \"10s\" is not shorter than "
                        "transaction.timeout.ms = 5000"));
  EXPECT_THAT(error({"", {"TIDEMARK_KAFKA_PROPERTY_TRANSACTION_TIMEOUT_MS=1000"}, {}}),
              HasSubstr("TIDEMARK_KAFKA_PROPERTY_TRANSACTION_TIMEOUT_MS: kafka.commit_interval = \"1s\""));
  EXPECT_TRUE(LoadConfig({"", {}, {"kafka.commit_interval=1m"}}).ok()) << "the time-out is longer by itself";
}

TEST_F(LoaderTest, PrintedSettingsLoadAgainAndHideSecrets) {
  Write("[kafka.properties]\nsasl.password = \"hunter2\"\n[session]\ntimeout.web = \"7m\"\n");
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string printed = PrintWithOrigins(*loaded);
  EXPECT_THAT(printed, Not(HasSubstr("hunter2")));
  EXPECT_THAT(printed, HasSubstr("session.timeout.web = \"7m\""));
  Write(printed);
  const auto again = Load();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->config.rules.timeout.web, Minutes(7));
}

std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Correct with: tidemark config --example > deploy/tidemark.toml
TEST_F(LoaderTest, ExampleFileIsTheOneInTheTreeAndSetsEverythingToItsDefault) {
  EXPECT_EQ(Contents(TIDEMARK_ROOT "/deploy/tidemark.toml"), ExampleFile());
  Write(ExampleFile());
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->origins.size(), AllSettings().size());
  for (const Setting& setting : AllSettings()) {
    EXPECT_EQ(ValueAsToml(setting, loaded->config), ValueAsToml(setting, Config())) << setting.key;
  }
}

// Correct with: tidemark config --reference > docs/settings.md
TEST_F(LoaderTest, ReferenceIsTheOneInTheTree) {
  EXPECT_EQ(Contents(TIDEMARK_ROOT "/docs/settings.md"), MarkdownReference());
}

}  // namespace
}  // namespace tidemark
