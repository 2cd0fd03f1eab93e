// Where an event takes a short way into its session, the result must be that of the long one: attributes whose keys the
// session has, and values that a visit's events repeat side by side.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/partition.h"
#include "tests/core/recording_effects.h"

namespace tidemark {
namespace {

using nlohmann::json;

struct WebEvent {
  int second;
  std::string payload;  // its members behind the name
};

// The session that events of one customer make. Text, because order and repeated keys matter.
json SessionOf(const std::vector<WebEvent>& events) {
  RecordingEffects effects;
  Partition partition(PartitionId{0}, Rules{});
  int64_t offset = 0;
  for (const WebEvent& event : events) {
    const std::string line =
        fmt::format(R"({{"customerId":"c","createdDate":"2025-11-24T10:30:{:02}Z","webEvent":{{"eventName":"e",{}}}}})",
                    event.second, event.payload);
    EXPECT_EQ(partition.Apply({line, Offset{offset++}, kAfterAllTime}, effects), Outcome::kJoined) << line;
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);
  EXPECT_EQ(effects.sessions.size(), 1u);
  return json::parse(effects.sessions.at(0).json);
}

std::string Attribute(const std::string& key, const std::string& value) {
  return fmt::format(R"("{}":{{"dataType":"STRING","value":"{}"}})", key, value);
}

std::string Attributes(const std::vector<std::string>& members) {
  return fmt::format(R"("attributes":{{{}}})", fmt::join(members, ","));
}

std::string ValueOf(const json& session, const std::string& key) { return session["attributes"][key]["value"]; }

TEST(JoinTest, AttributesThatTheSessionHasAreRenewedInAnyOrder) {
  const json session = SessionOf({{0, Attributes({Attribute("a", "1"), Attribute("b", "1"), Attribute("c", "1")})},
                                  {2, Attributes({Attribute("c", "a longer value than before"), Attribute("a", "2")})},
                                  {1, Attributes({Attribute("b", "late, but newer"), Attribute("c", "late")})}});
  EXPECT_EQ(ValueOf(session, "a"), "2");
  EXPECT_EQ(ValueOf(session, "b"), "late, but newer");
  EXPECT_EQ(ValueOf(session, "c"), "a longer value than before");
}

TEST(JoinTest, OfARepeatedAttributeTheLastCounts) {
  const std::string first = Attributes({Attribute("a", "1"), Attribute("b", "1")});
  const json both = SessionOf({{0, first}, {1, Attributes({Attribute("a", "2"), Attribute("a", "3")})}});
  EXPECT_EQ(ValueOf(both, "a"), "3");
  const json last_is_bad = SessionOf({{0, first}, {1, Attributes({Attribute("a", "2"), R"("a":17)"})}});
  EXPECT_EQ(ValueOf(last_is_bad, "a"), "1");
}

TEST(JoinTest, OneBadAttributeDoesNotHideTheOthers) {
  const json session = SessionOf({{0, Attributes({Attribute("a", "1"), Attribute("b", "1")})},
                                  {1, Attributes({Attribute("a", "2"), R"("b":{"value":"no type"})"})}});
  EXPECT_EQ(ValueOf(session, "a"), "2");
  EXPECT_EQ(ValueOf(session, "b"), "1");
}

TEST(JoinTest, MoreAttributesThanAreLookedForOneByOne) {
  std::vector<std::string> ones;
  std::vector<std::string> twos;
  for (int i = 0; i < 20; ++i) {
    ones.push_back(Attribute(fmt::format("key{:02}", i), "1"));
    twos.push_back(Attribute(fmt::format("key{:02}", i), "2"));
  }
  const json session = SessionOf({{0, Attributes(ones)}, {1, Attributes(twos)}});
  EXPECT_EQ(session["attributes"].size(), 20u);
  for (const auto& [key, attribute] : session["attributes"].items()) EXPECT_EQ(attribute["value"], "2") << key;
}

constexpr char kBrowser[] = R"("browser":{"family":"Safari","version":"18"})";
constexpr char kDevice[] = R"("device":{"category":"mobile","osFamily":"iOS"})";

TEST(JoinTest, AnEventThatRepeatsSomeValuesRenewsOnlyTheirTime) {
  const std::string both = fmt::format("{},{}", kBrowser, kDevice);
  const json session =
      SessionOf({{0, both}, {4, kDevice}, {2, R"("browser":{"family":"Firefox"},"device":{"category":"tablet"})"}});
  EXPECT_EQ(session["browser"]["family"], "Firefox") << "newer than the one event that had a browser";
  EXPECT_EQ(session["device"]["category"], "mobile") << "repeated later";
}

TEST(JoinTest, WhatLiesBetweenRepeatedValuesCounts) {
  const std::string page = R"("page":{"url":"https://example.com/)";
  const auto payload = [&](const std::string& path) {
    return fmt::format(R"({},{}{}"}},{})", kBrowser, page, path, kDevice);
  };
  const json session = SessionOf({{0, payload("a")}, {1, payload("b")}, {2, payload("c")}});
  EXPECT_EQ(session["lastPage"]["url"], "https://example.com/c");
  EXPECT_EQ(session["browser"]["version"], "18");
  EXPECT_EQ(session["device"]["osFamily"], "iOS");
}

// The bytes of both values are the same; whose they are is not.
TEST(JoinTest, TheSameBytesUnderAnotherNameAreAnotherValue) {
  const json session = SessionOf({{0, R"("ipAddress":"192.0.2.1")"}, {1, R"("ipOrganization":"192.0.2.1")"}});
  EXPECT_EQ(session["ipAddress"], "192.0.2.1");
  EXPECT_EQ(session["ipOrganization"], "192.0.2.1");
}

}  // namespace
}  // namespace tidemark
