#include "tests/property/random_stream.h"

#include <fmt/format.h>

#include <initializer_list>

namespace tidemark {
namespace {

class Maker {
 public:
  Maker(uint64_t seed, const StreamOptions& options) : random_(seed), options_(options) {}

  RandomStream Make() {
    RandomStream stream;
    stream.rules = MakeRules();
    one_key_ = Chance(50);
    const size_t count = 5 + Below(90);
    for (size_t i = 0; i < count; ++i) {
      if (!stream.lines.empty() && Chance(8)) {
        stream.lines.push_back(stream.lines[stream.lines.size() - 1 - Below(std::min<size_t>(5, stream.lines.size()))]);
        continue;
      }
      stream.lines.push_back(Line());
    }
    return stream;
  }

 private:
  size_t Below(size_t n) { return random_() % n; }
  bool Chance(size_t percent) { return Below(100) < percent; }
  template <typename T>
  T Pick(std::initializer_list<T> values) {
    return values.begin()[Below(values.size())];
  }
  std::string PickText(std::initializer_list<const char*> values) { return values.begin()[Below(values.size())]; }

  Rules MakeRules() {
    Rules rules;
    const auto minutes = [&](int64_t n) { return Minutes(n); };
    rules.timeout = {minutes(1 + Below(5)), minutes(1 + Below(5)), minutes(1 + Below(8))};
    const int64_t factor = options_.ends_and_caps ? static_cast<int64_t>(1 + Below(6)) : 100'000;
    rules.max_duration = {rules.timeout.web * factor, rules.timeout.app * factor, rules.timeout.conversation * factor};
    rules.idle_after = Seconds(static_cast<int64_t>(Below(400)));
    rules.away_after = Seconds(static_cast<int64_t>(Below(400)));
    rules.conversation_linger = options_.ends_and_caps ? Seconds(static_cast<int64_t>(Below(700))) : minutes(1);
    rules.max_out_of_orderness = Seconds(static_cast<int64_t>(Pick<size_t>({0, 10, 60, 200, 600, 600})));
    if (Chance(50)) rules.dedup_horizon = static_cast<uint32_t>(1 + Below(4));
    if (Chance(50)) rules.list_attributes = {"k1", "liste"};
    rules.pageview_events = {"page_viewed", "both"};
    rules.screenview_events = {"screen_viewed", "both"};
    rules.end_events = options_.ends_and_caps ? std::vector<std::string>{"session_ended"} : std::vector<std::string>{};
    return rules;
  }

  std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

  // Anything: for fields that may be of any type.
  std::string AnyValue() {
    return PickText({"null",
                     "true",
                     "false",
                     "0",
                     "-0",
                     "900",
                     "900.0",
                     "1e3",
                     "2147483647",
                     "2147483648",
                     "-2147483648",
                     "-2147483649",
                     "99999999999999999999",
                     "-12.5",
                     "\"\"",
                     "\"x\"",
                     "[]",
                     "{}",
                     "[\"a\"]",
                     "[\"a\",1]",
                     "{\"id\":\"q\"}",
                     "[[{}]]"});
  }

  std::string Text() {
    return PickText({"\"a\"", "\"b\"", "\"c\"", "\"ä€😀\"", "\"q\\\"\\\\\\/\\n\\t\"", "\"\\u0041\\ud83d\\ude00\"",
                     "\"\"", "\"\\u0000z\"", "\"longer text than eight bytes\""});
  }

  std::string TextOrAny() { return Chance(85) ? Text() : AnyValue(); }

  // A member with its comma; the key sometimes escaped, sometimes there twice.
  void Add(std::string& members, const std::string& key, const std::string& value) {
    const auto append = [&](const std::string& name, const std::string& v) {
      if (!members.empty()) members += Pick<const char*>({",", ",", ",", " , ", ",\t"});
      members += Quoted(name) + Pick<const char*>({":", ":", " : "}) + v;
    };
    if (Chance(3)) append(key, AnyValue());
    if (Chance(3)) {
      append(fmt::format("\\u{:04x}{}", static_cast<int>(key[0]), key.substr(1)), value);
    } else {
      append(key, value);
    }
  }

  void Maybe(std::string& members, size_t percent, const std::string& key, const std::string& value) {
    if (Chance(percent)) Add(members, key, value);
  }

  std::string Object(const std::string& members) { return Chance(95) ? "{" + members + "}" : AnyValue(); }

  std::string RandomObject(std::initializer_list<const char*> names) {
    std::string members;
    for (const char* name : names) {
      if (Chance(45)) Add(members, name, Chance(60) ? TextOrAny() : AnyValue());
    }
    Maybe(members, 10, "unknown", AnyValue());
    return Object(members);
  }

  std::string Attributes() {
    std::string members;
    for (const char* name : {"k1", "k2", "liste", ""}) {
      if (!Chance(50)) continue;
      std::string attribute;
      if (Chance(90)) Add(attribute, "dataType", TextOrAny());
      if (Chance(90)) Add(attribute, "value", TextOrAny());
      const std::string key = name;
      if (key.empty()) {
        members += (members.empty() ? "" : ",") + std::string("\"\":{") + attribute + "}";
      } else {
        Add(members, key, Object(attribute));
      }
    }
    return Object(members);
  }

  std::string AttributeLists() {
    std::string members;
    for (const char* name : {"k1", "liste", "other"}) {
      if (!Chance(50)) continue;
      std::string list;
      if (Chance(90)) Add(list, "dataType", TextOrAny());
      if (Chance(90))
        Add(list, "values", PickText({"[]", "[\"a\"]", "[\"b\",\"a\",\"b\"]", "[\"a\",1]", "\"a\"", "[\"\"]"}));
      Add(members, name, Object(list));
    }
    return Object(members);
  }

  void AddContext(std::string& members, const char* referrer) {
    if (Chance(30)) Add(members, "browser", RandomObject({"family", "isMobile", "viewHeight", "lang", "featuresPdf"}));
    if (Chance(30)) {
      std::string device = RandomObject({"type", "isMobile", "screenWidth", "osFamily"});
      if (Chance(50)) {
        device = "{\"category\":" + PickText({"\"desktop\"", "\"Desktop\"", "\"\"", "\"other\"", "7"}) +
                 ",\"screenHeight\":" + AnyValue() + "}";
      }
      Add(members, "device", device);
    }
    if (Chance(30)) Add(members, "geolocation", RandomObject({"country", "latitude", "longitude", "locality"}));
    Maybe(members, 30, "ipAddress", TextOrAny());
    Maybe(members, 20, "ipOrganization", TextOrAny());
    Maybe(members, 30, "userAgentString", TextOrAny());
    if (Chance(30)) Add(members, "mktCampaign", RandomObject({"source", "medium", "clickId"}));
    if (Chance(30)) {
      Add(members, referrer,
          Chance(50) ? RandomObject({"url", "domain"})
                     : "{\"medium\":" + PickText({"\"search\"", "\"Search\"", "\"\"", "1"}) + "}");
    }
  }

  std::string WebMembers(bool app) {
    std::string members;
    if (Chance(90)) {
      Add(members, "eventName",
          Quoted(PickText({"page_viewed", "screen_viewed", "both", "session_ended", "clicked", ""})));
    }
    AddContext(members, "referrer");
    if (Chance(40)) Add(members, "page", RandomObject({"url", "title", "breadcrumb", "queryString"}));
    if (app && Chance(50)) Add(members, "app", RandomObject({"name", "namespace", "version"}));
    if (Chance(20)) Add(members, "sdkLibrary", RandomObject({"name", "version"}));
    if (Chance(20)) Add(members, "networkConnectivity", RandomObject({"carrier", "wifiEnabled"}));
    if (Chance(40)) Add(members, "attributes", Attributes());
    if (Chance(25)) Add(members, "attributeLists", AttributeLists());
    Maybe(members, 30, "searchQuery", TextOrAny());
    Maybe(members, 15, "authenticated", PickText({"true", "false", "\"true\"", "1", "null"}));
    Maybe(members, 20, "externalId", TextOrAny());
    return members;
  }

  std::string Achievement() {
    std::string members;
    Add(members, "id", Chance(80) ? Quoted(PickText({"o1", "o2"})) : TextOrAny());
    Maybe(members, 50, "selfUri", TextOrAny());
    return Object(members);
  }

  void AddPayload(std::string& members) {
    const size_t kind = Below(10);
    if (kind < 4 || Chance(5)) Add(members, "webEvent", Object(WebMembers(false)));
    if ((kind >= 4 && kind < 6) || Chance(5)) Add(members, "appEvent", Object(WebMembers(true)));
    if (kind == 6 || Chance(5)) {
      std::string payload;
      Add(payload, "outcome", Achievement());
      AddContext(payload, "visitReferrer");
      Add(members, "outcomeAchievedEvent", Object(payload));
    }
    if (kind == 7) Add(members, "segmentAssignmentEvent", Object("\"segment\":" + Achievement()));
    if (kind == 8) {
      std::string payload;
      AddContext(payload, "visitReferrer");
      Add(members, "webActionEvent", Object(payload));
    }
  }

  int64_t NextTime() {
    const size_t step = Below(100);
    if (step < 50) now_ += static_cast<int64_t>(Below(60'000));
    if (step >= 50 && step < 62) now_ += static_cast<int64_t>(Below(500)) * 1000;
    if (step == 62) now_ += static_cast<int64_t>(Below(4'000)) * 1000;
    if (step > 62 && step < 90) {
      return std::max(kStreamStart, now_ - static_cast<int64_t>(Below(static_cast<size_t>(options_.disorder_ms + 1))));
    }
    if (step >= 90) return now_ / 60'000 * 60'000;  // times that repeat
    return now_;
  }

  std::string Time() {
    const int64_t t = NextTime();
    if (options_.bad_records && Chance(2)) {
      return PickText({"null", "\"\"", "true", "1.0", "-1", "\"yesterday\"", "253402300800000", "99999999999999999999",
                       "\"2025-02-30T00:00:00Z\"", "\"2999-01-01T00:00:00Z\"", "4102444800000", "{}"});
    }
    if (Chance(40)) return fmt::format("{}", t);
    const int64_t in_day = t % 86'400'000;
    // 2025-11-24 or -25 and so on: the streams stay within a month's end.
    const int64_t day = 24 + (t - kStreamStart / 86'400'000 * 86'400'000) / 86'400'000;
    if (day > 30) return fmt::format("{}", t);
    return fmt::format("\"2025-11-{:02}T{:02}:{:02}:{:02}.{:03}{}{}\"", day, in_day / 3'600'000, in_day / 60'000 % 60,
                       in_day / 1000 % 60, in_day % 1000, Chance(20) ? "987" : "",
                       PickText({"Z", "Z", "+00:00", "-0000"}));
  }

  void AddId(std::string& members) {
    if (Chance(70)) {
      ++id_;
      Add(members, "id",
          Chance(85) ? Quoted(fmt::format("00000000-0000-4000-8000-{:012}", id_ - Below(2))) : TextOrAny());
    }
  }

  std::string JourneyMembers() {
    std::string members;
    AddId(members);
    if (one_key_) return JourneyMembersOfOneKey(members);
    Maybe(members, 90, "customerId", Quoted(PickText({"v1", "v1", "v2", ""})));
    Maybe(members, 80, "customerIdType", Quoted(PickText({"cookie", "cookie", "email", ""})));
    if (Chance(35)) {
      std::string session;
      Maybe(session, 60, "id", Quoted(PickText({"s1", "s2", ""})));
      Maybe(session, 40, "selfUri", TextOrAny());
      Maybe(session, 50, "type", Quoted(PickText({"web", "app", "conversation", "chat", ""})));
      Add(members, "session", Object(session));
    }
    Maybe(members, 70, "eventType", TextOrAny());
    Add(members, "createdDate", Time());
    Maybe(members, 15, "externalId", TextOrAny());
    Maybe(members, 15, "externalUrl", TextOrAny());
    if (Chance(20)) Add(members, "externalContact", RandomObject({"id", "selfUri"}));
    AddPayload(members);
    return members;
  }

  // Everything into the sessions of one visitor: the most merges, stragglers and duplicates.
  std::string JourneyMembersOfOneKey(std::string members) {
    Add(members, "customerId", Quoted("v1"));
    Add(members, "createdDate", Time());
    if (Chance(60)) {
      Add(members, "webEvent", "{" + WebMembers(false) + "}");
    } else {
      Add(members, "session", "{\"type\":\"web\"}");
      AddPayload(members);
    }
    return members;
  }

  std::string RequestMembers() {
    std::string members = WebMembers(Chance(30));
    AddId(members);
    Add(members, "createdDate", Time());
    Add(members, "customerCookieId", Quoted(PickText({"v1", "v2"})));
    Maybe(members, 15, "customerId", Quoted(PickText({"v1", ""})));
    Maybe(members, 20, "screenName", TextOrAny());
    Maybe(members, 40, "referrerUrl", TextOrAny());
    return members;
  }

  std::string DetailMembers() {
    std::string members;
    Maybe(members, 20, "id", TextOrAny());
    Maybe(members, 70, "conversationId", Quoted(PickText({"s1", "c1", ""})));
    Add(members, "eventTime", Time());
    Maybe(members, 60, "sessionId", Quoted(PickText({"leg1", "leg2", ""})));
    Maybe(members, 60, "mediaType",
          Quoted(PickText({"VOICE", "Voice", "EMAIL", "CALLBACK", "MESSAGE", "Webchat", "WEBCHAT", "voice", ""})));
    Maybe(members, 30, "messageType", Quoted(PickText({"SMS", "WEBMESSAGING", "WhatsApp", "APPLE", ""})));
    Maybe(members, 40, "provider", TextOrAny());
    Maybe(members, 30, "direction", Quoted(PickText({"INBOUND", "Outbound", "sideways", ""})));
    Maybe(members, 40, "ani", TextOrAny());
    Maybe(members, 40, "addressFrom", TextOrAny());
    Maybe(members, 20, "subject", TextOrAny());
    Maybe(members, 30, "queueId", TextOrAny());
    Maybe(members, 50, "userId", TextOrAny());
    Maybe(members, 40, "disconnectType",
          Quoted(PickText({"CLIENT", "DND_ENDPOINT", "DoNotDisturbTransfer", "NEW", ""})));
    Maybe(members, 40, "acdOutcome", Quoted(PickText({"ANSWERED", "FlowOut", "answered", ""})));
    Maybe(members, 40, "wrapupCode", TextOrAny());
    Maybe(members, 40, "wrapupNotes", TextOrAny());
    Maybe(members, 30, "externalContactId", TextOrAny());
    Maybe(members, 30, "conversationExternalContactIds",
          PickText({"[]", "[\"e1\",\"e2\"]", "[\"\"]", "[1,\"e2\"]", "\"e\""}));
    Maybe(members, 5, "webEvent", "{\"eventName\":\"page_viewed\"}");
    Maybe(members, 5, "customerId", "\"v1\"");
    return members;
  }

  std::string DetailTopic() {
    const char* const kind =
        Pick<const char*>({"customer.start", "customer.start", "customer.end", "customer.end", "acd.start", "acd.end",
                           "user.start", "user.end", "acw", "wrapup", "flow.outcome", "never.heard.of", "attributes"});
    return fmt::format("v2.detail.events.conversation.{}.{}", PickText({"s1", "c1", "c2"}), kind);
  }

  std::string Metadata() {
    if (Chance(80)) ++correlation_;
    return "{\"CorrelationId\":" + Quoted(fmt::format("corr-{}", correlation_)) + "}";
  }

  std::string Line() {
    if (options_.bad_records && Chance(3)) return Garbage();
    if (Chance(one_key_ ? 2 : 12)) return "{" + RequestMembers() + "}";
    const bool detail = Chance(one_key_ ? 2 : 35);
    std::string body = "{" + (detail ? DetailMembers() : JourneyMembers()) + "}";
    if (!detail && Chance(70)) return body;
    std::string notification;
    const std::string topic = detail ? DetailTopic() : "v2.journey.sessions.s1.events";
    if (Chance(95)) Add(notification, "topicName", Quoted(topic));
    Add(notification, "eventBody", body);
    Maybe(notification, 70, "metadata", Metadata());
    if (!Chance(30)) return "{" + notification + "}";
    std::string bridge;
    Maybe(bridge, 50, "id", Quoted(fmt::format("bridge-{}", Below(1000))));
    Maybe(bridge, 80, "detail-type", Quoted(topic));
    Add(bridge, "detail", "{" + notification + "}");
    return "{" + bridge + "}";
  }

  std::string Garbage() {
    const std::string good = "{" + JourneyMembers() + "}";
    switch (Below(6)) {
      case 0:
        return good.substr(0, good.size() - 1 - Below(good.size() / 2));
      case 1:
        return "";
      case 2:
        return good + PickText({"{}", " x", "]", ","});
      case 3:
        return PickText({"[]", "null", "17", "{\"a\":[1}", "{\"a\":1,}", "{\"a\" 1}", "{'a':1}", "\"text\""});
      case 4:
        return "{\"customerId\":\"\xff\"" + PickText({"}", "", ",\"a\":[1}"});
      default:
        return PickText({"{}", "{\"customerId\":\"v1\"}", "{\"createdDate\":1763980200000}",
                         "{\"customerId\":7,\"createdDate\":\"never\"}"});
    }
  }

  std::mt19937_64 random_;
  const StreamOptions options_;
  bool one_key_ = false;
  int64_t now_ = kStreamStart;
  uint64_t id_ = 1;
  uint64_t correlation_ = 0;
};

}  // namespace

RandomStream MakeRandomStream(uint64_t seed, const StreamOptions& options) { return Maker(seed, options).Make(); }

}  // namespace tidemark
