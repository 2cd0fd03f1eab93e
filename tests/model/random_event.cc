#include "tests/model/random_event.h"

#include <functional>
#include <map>
#include <vector>

namespace tidemark::model {
namespace {

const std::vector<std::pair<std::string, std::string>>& ModelFields(const std::string& model) {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  static const std::map<std::string, Fields> kModels = {
      {"browser",
       {{"family", "str"},
        {"version", "str"},
        {"lang", "str"},
        {"isMobile", "bool"},
        {"viewHeight", "int"},
        {"viewWidth", "int"},
        {"featuresPdf", "bool"},
        {"featuresWebrtc", "bool"},
        {"category", "str"}}},
      {"device",
       {{"category", "category"},
        {"type", "str"},
        {"isMobile", "bool"},
        {"screenHeight", "int"},
        {"screenWidth", "int"},
        {"screenDensity", "int"},
        {"fingerprint", "str"},
        {"osFamily", "str"},
        {"osVersion", "str"},
        {"manufacturer", "str"}}},
      {"geolocation",
       {{"country", "str"},
        {"countryName", "str"},
        {"latitude", "num"},
        {"longitude", "num"},
        {"postalCode", "str"},
        {"timezone", "str"},
        {"zip", "str"}}},
      {"page",
       {{"url", "str"},
        {"title", "str"},
        {"domain", "str"},
        {"fragment", "str"},
        {"hostname", "str"},
        {"keywords", "str"},
        {"queryString", "str"},
        {"breadcrumb", "list"}}},
      {"mktCampaign",
       {{"content", "str"},
        {"medium", "str"},
        {"name", "str"},
        {"source", "str"},
        {"clickId", "str"},
        {"network", "str"}}},
      {"referrer", {{"url", "str"}, {"domain", "str"}, {"keywords", "str"}, {"name", "str"}, {"medium", "medium"}}},
      {"app", {{"name", "str"}, {"namespace", "str"}, {"version", "str"}, {"buildNumber", "str"}}},
      {"sdkLibrary", {{"name", "str"}, {"version", "str"}}},
      {"networkConnectivity",
       {{"carrier", "str"}, {"bluetoothEnabled", "bool"}, {"cellularEnabled", "bool"}, {"wifiEnabled", "bool"}}},
      {"reference", {{"id", "str"}, {"selfUri", "str"}, {"name", "str"}}},
  };
  return kModels.at(model);
}

std::string StringList(Random& random) {
  std::string list = "[";
  for (int64_t i = random.Below(4); i > 0; --i) list += AnyString(random) + (i > 1 ? "," : "");
  return list + "]";
}

std::string FieldValue(Random& random, const std::string& type) {
  static const std::vector<std::string> kInts = {"0", "1", "900", "-5", "2147483647", "-2147483648", "2147483648"};
  static const std::vector<std::string> kNumbers = {"0", "52.52", "-13.405", "1e2", "2.5E-3", "4294967296", "-0.0"};
  static const std::vector<std::string> kCategories = {"desktop", "mobile", "tablet", "other", "watch", "Desktop", ""};
  static const std::vector<std::string> kMedia = {"internal", "search", "social", "email", "unknown", "paid", "ads"};
  if (type == "bool") return random.Percent(50) ? "true" : "false";
  if (type == "int") return random.Pick(kInts);
  if (type == "num") return random.Pick(kNumbers);
  if (type == "list") return StringList(random);
  if (type == "category") return Quote(random, random.Pick(kCategories));
  if (type == "medium") return Quote(random, random.Pick(kMedia));
  return AnyString(random);
}

std::string ModelObject(Random& random, const std::string& model) {
  ObjectText object(random);
  const int64_t share = random.Percent(10) ? 0 : random.Between(10, 90);
  for (const auto& [field, type] : ModelFields(model)) {
    if (random.Percent(share)) object.Add(field, FieldValue(random, type));
  }
  return object.Write();
}

std::string AttributeKey(Random& random) {
  static const std::vector<std::string> kKeys = {"plan", "tags", "größe", "cart", "", "a\"b"};
  return random.Pick(kKeys);
}

std::string Attributes(Random& random) {
  ObjectText attributes(random);
  for (int64_t i = random.Below(5); i > 0; --i) {
    ObjectText attribute(random);
    attribute.Add("dataType", AnyString(random)).Add("value", AnyString(random));
    attributes.Add(AttributeKey(random), attribute.Write());  // keys repeat: the last one counts
  }
  return attributes.Write();
}

std::string AttributeLists(Random& random) {
  ObjectText lists(random);
  for (int64_t i = random.Below(4); i > 0; --i) {
    ObjectText list(random);
    list.Add("dataType", AnyString(random)).Add("values", StringList(random));
    lists.Add(AttributeKey(random), list.Write());
  }
  return lists.Write();
}

std::string EventName(Random& random, const EventMix& mix) {
  static const std::vector<std::string> kNames = {"page_viewed", "screen_viewed", "view", "button", "page_viewed", ""};
  if (random.Percent(mix.end_percent)) return random.Percent(70) ? "session_ended" : "bye";
  return random.Pick(kNames);
}

// What web and app payloads, and the flat request forms, have in common.
void AddActivity(Random& random, ObjectText& payload) {
  for (const char* model :
       {"page", "browser", "device", "geolocation", "mktCampaign", "referrer", "sdkLibrary", "networkConnectivity"}) {
    if (random.Percent(18)) payload.Add(model, ModelObject(random, model));
  }
  if (random.Percent(25)) payload.Add("attributes", Attributes(random));
  if (random.Percent(25)) payload.Add("attributeLists", AttributeLists(random));
  if (random.Percent(8)) payload.Add("visitReferrer", ModelObject(random, "referrer"));
  for (const char* field : {"ipAddress", "ipOrganization", "userAgentString", "searchQuery", "externalId"}) {
    if (random.Percent(15)) payload.Add(field, AnyString(random));
  }
  if (random.Percent(10)) payload.Add("authenticated", random.Percent(60) ? "true" : "false");
}

std::string ActivityPayload(Random& random, const EventMix& mix) {
  ObjectText payload(random);
  payload.Add("eventName", Quote(random, EventName(random, mix)));
  AddActivity(random, payload);
  if (random.Percent(20)) payload.Add("app", ModelObject(random, "app"));
  return payload.Write();
}

std::string AchievementPayload(Random& random, const std::string& thing) {
  ObjectText entity(random);
  entity.Add("id", AnyString(random));
  if (random.Percent(60)) entity.Add("selfUri", AnyString(random));
  ObjectText payload(random);
  payload.Add(thing, entity.Write());
  if (random.Percent(40)) AddActivity(random, payload);
  return payload.Write();
}

void AddPayload(Random& random, const EventMix& mix, ObjectText& event) {
  const int64_t kind = random.Below(100);
  if (kind < 45) {
    event.Add("webEvent", ActivityPayload(random, mix));
  } else if (kind < 70) {
    event.Add("appEvent", ActivityPayload(random, mix));
  } else if (kind < 80) {
    event.Add("outcomeAchievedEvent", AchievementPayload(random, "outcome"));
  } else if (kind < 90) {
    event.Add("segmentAssignmentEvent", AchievementPayload(random, "segment"));
  } else if (kind < 97) {
    event.Add("webActionEvent", AchievementPayload(random, "action"));
  }
}

std::string EventId(Random& random, const EventMix& mix, const std::string& prefix) {
  const int64_t number = random.Percent(mix.repeated_id_percent) ? random.Below(6) : random.Below(1'000'000'000);
  return Quote(random, prefix + std::to_string(number));
}

std::string Customer(Random& random, const EventMix& mix) {
  return Quote(random, "customer-" + std::to_string(random.Below(mix.customers)));
}

void AddSession(Random& random, const EventMix& mix, ObjectText& event) {
  static const std::vector<std::string> kTypes = {"web", "web", "app", "conversation", "kiosk"};
  const bool with_id = random.Percent(mix.explicit_percent);
  if (!with_id && random.Percent(92)) return;
  ObjectText session(random);
  if (with_id) session.Add("id", Quote(random, "session-" + std::to_string(random.Below(mix.session_ids))));
  if (random.Percent(40)) session.Add("type", Quote(random, random.Pick(kTypes)));
  if (random.Percent(25)) session.Add("selfUri", AnyString(random));
  event.Add("session", session.Write());
}

// The members beside the payload.
void AddCommon(Random& random, const EventMix& mix, const std::string& time, ObjectText& event) {
  if (random.Percent(85)) event.Add("id", EventId(random, mix, "e"));
  if (!time.empty()) event.AddExactly("createdDate", time);
  AddSession(random, mix, event);
  if (random.Percent(8)) event.Add("externalId", AnyString(random));
  if (random.Percent(8)) event.Add("externalUrl", AnyString(random));
  if (random.Percent(8)) event.Add("externalContact", ModelObject(random, "reference"));
}

void AddEnums(Random& random, ObjectText& body) {
  static const std::map<std::string, std::vector<std::string>> kEnums = {
      {"mediaType",
       {"VOICE", "CALLBACK", "EMAIL", "MESSAGE", "CHAT", "Webchat", "Social", "WEBCHAT", "UNKNOWN", "Callback", "x"}},
      {"messageType", {"SMS", "WHATSAPP", "WhatsApp", "WEBMESSAGING", "APPLE", "UNKNOWN", "sms"}},
      {"direction", {"INBOUND", "OUTBOUND", "Inbound", "UNKNOWN", "sideways"}},
      {"disconnectType", {"DND_ENDPOINT", "TRANSPORT_FAILURE", "Peer", "CLIENT", "NOT_AVAILABLE_TRANSFER", "GONE"}},
      {"acdOutcome", {"FLOW_OUT", "ANSWERED", "Abandon", "answered", "UNKNOWN"}}};
  for (const auto& [field, values] : kEnums) {
    if (random.Percent(45)) body.Add(field, Quote(random, random.Percent(95) ? random.Pick(values) : ""));
  }
}

void AddDetailFields(Random& random, ObjectText& body) {
  AddEnums(random, body);
  for (const char* field : {"provider", "ani", "addressFrom", "subject", "queueId", "userId", "wrapupCode",
                            "wrapupNotes", "externalContactId"}) {
    if (random.Percent(35)) body.Add(field, AnyString(random));
  }
  if (random.Percent(15)) body.Add("conversationExternalContactIds", StringList(random));
}

std::string JourneyEvent(Random& random, const EventMix& mix, const std::string& time) {
  ObjectText event(random);
  AddCommon(random, mix, time, event);
  event.Add("customerId", Customer(random, mix));
  if (random.Percent(95)) event.Add("customerIdType", random.Percent(97) ? "\"cookie\"" : AnyString(random));
  if (random.Percent(70)) event.Add("eventType", AnyString(random));
  AddPayload(random, mix, event);
  if (random.Percent(15)) AddPayload(random, mix, event);
  if (random.Percent(5)) AddDetailFields(random, event);  // which are not read here
  if (random.Percent(5)) event.Add("metadata", "{\"CorrelationId\":" + EventId(random, mix, "c") + "}");
  return event.Write();
}

std::string RequestForm(Random& random, const EventMix& mix, const std::string& time) {
  ObjectText event(random);
  AddCommon(random, mix, time, event);
  event.Add("eventName", Quote(random, EventName(random, mix)));
  if (random.Percent(70)) event.Add("customerCookieId", Customer(random, mix));
  if (random.Percent(20)) event.Add("customerId", Customer(random, mix)).Add("customerIdType", AnyString(random));
  if (random.Percent(20)) event.Add("screenName", AnyString(random));
  if (random.Percent(20)) event.Add("app", ModelObject(random, "app"));
  if (random.Percent(20)) event.Add("referrerUrl", AnyString(random));
  if (random.Percent(4)) event.Add("eventType", AnyString(random));
  if (random.Percent(4)) AddPayload(random, mix, event);
  AddActivity(random, event);
  return event.Write();
}

std::string DetailKind(Random& random, const EventMix& mix) {
  if (random.Percent(mix.leg_percent)) return random.Percent(45) ? "customer.start" : "customer.end";
  static const std::vector<std::string> kKinds = {
      "customer.start", "customer.start",  "customer.end",  "customer.end",  "acd.start",  "acd.end",
      "user.start",     "user.end",        "acw",           "wrapup",        "flow.start", "flow.end",
      "flow.outcome",   "voicemail.start", "voicemail.end", "outbound.init", "contact",    "attributes",
      "surprise",       "session_ended"};
  return random.Pick(kKinds);
}

std::string DetailBody(Random& random, const EventMix& mix, const std::string& time, const std::string& conversation) {
  static const std::vector<std::string> kLegs = {"leg-1", "leg-1", "leg-2", ""};
  ObjectText body(random);
  if (!time.empty()) body.AddExactly("eventTime", time);
  if (random.Percent(80)) body.Add("conversationId", Quote(random, conversation));
  if (random.Percent(75)) body.Add("sessionId", Quote(random, random.Pick(kLegs)));
  AddDetailFields(random, body);
  if (random.Percent(15)) body.Add("id", EventId(random, mix, "e"));
  if (random.Percent(4)) body.Add("customerId", Customer(random, mix)).Add("createdDate", "\"never\"");
  if (random.Percent(4)) AddSession(random, mix, body);
  if (random.Percent(4)) AddPayload(random, mix, body);
  return body.Write();
}

// A topic that is nearly one of a conversation, or not at all.
std::string RareTopic(Random& random) {
  static const std::vector<std::string> kTopics = {"v2.detail.events.conversation.c1",
                                                   "v2.detail.events.conversation.c1.x",
                                                   "v2.detail.events.conversation.c1.a.b.c",
                                                   "v2.detail.events.conversation",
                                                   "v2.detail.events.conversation.",
                                                   "V2.detail.events.conversation.c1.acd.start",
                                                   "v2.detail.events.user.c1.acd.start",
                                                   "v2.users.c1.conversations",
                                                   ""};
  return random.Pick(kTopics);
}

// The body's members behind one that names a topic.
std::string NamingATopic(Random& random, const std::string& member, const std::string& topic, const std::string& body) {
  return "{\"" + member + "\":" + Quote(random, topic) + "," + body.substr(1);
}

// `body` under a topic, as a notification or as EventBridge delivers it; now and then as neither does.
std::string InEnvelope(Random& random, const EventMix& mix, const std::string& topic, const std::string& body) {
  if (random.Percent(2)) return NamingATopic(random, "detail-type", topic, body);
  ObjectText metadata(random);
  metadata.Add("CorrelationId", EventId(random, mix, "c"));
  ObjectText notification(random);
  const bool event_bridge = random.Percent(40);
  const bool own_topic = event_bridge ? random.Percent(80) : random.Percent(97);
  if (own_topic) notification.AddExactly("topicName", Quote(random, topic));
  notification.AddExactly("version", "\"2\"").AddExactly("eventBody", body);
  if (!event_bridge && random.Percent(4)) notification.Add("id", EventId(random, mix, "e"));
  if (random.Percent(80)) notification.Add("metadata", metadata.Write());
  if (!event_bridge) return notification.Write();
  ObjectText event(random);
  event.AddExactly("detail-type", Quote(random, random.Percent(95) ? topic : RareTopic(random)));
  if (random.Percent(60)) event.Add("id", EventId(random, mix, "e"));
  std::string detail = random.Percent(95) ? notification.Write() : body;
  if (random.Percent(3)) {
    detail = NamingATopic(random, "topicName", random.Percent(50) ? topic : RareTopic(random), body);
  }
  event.AddExactly("detail", detail);
  return event.Write();
}

std::string DetailEvent(Random& random, const EventMix& mix, const std::string& time) {
  const std::string conversation = "conversation-" + std::to_string(random.Below(mix.conversations));
  std::string topic = "v2.detail.events.conversation." + conversation + "." + DetailKind(random, mix);
  if (random.Percent(3)) topic = RareTopic(random);
  return InEnvelope(random, mix, topic, DetailBody(random, mix, time, conversation));
}

std::string PlainDetailEvent(Random& random, const EventMix& mix, const std::string& time) {
  ObjectText body(random);
  if (!time.empty()) body.AddExactly("eventTime", time);
  body.AddExactly("sessionId", random.Percent(70) ? "\"leg-1\"" : "\"leg-2\"");
  body.AddExactly("id", EventId(random, mix, "e"));
  const std::string conversation = std::to_string(random.Below(mix.conversations));
  const std::string topic = "v2.detail.events.conversation." + conversation + "." + DetailKind(random, mix);
  return ObjectText(random).AddExactly("topicName", Quote(random, topic)).AddExactly("eventBody", body.Write()).Write();
}

std::string PlainEvent(Random& random, const EventMix& mix, const std::string& time) {
  if (random.Percent(mix.conversation_percent)) return PlainDetailEvent(random, mix, time);
  ObjectText payload(random);
  payload.AddExactly("eventName", Quote(random, EventName(random, mix)));
  ObjectText event(random);
  if (!time.empty()) event.AddExactly("createdDate", time);
  event.AddExactly("id", EventId(random, mix, "e"));
  event.AddExactly("customerId", Customer(random, mix)).AddExactly("customerIdType", "\"cookie\"");
  if (random.Percent(mix.explicit_percent)) event.AddExactly("session", "{\"id\":\"session-0\"}");
  event.AddExactly(random.Percent(90) ? "webEvent" : "appEvent", payload.Write());
  return event.Write();
}

}  // namespace

std::string RandomEvent(Random& random, const EventMix& mix, const std::string& time) {
  if (random.Percent(mix.plain_percent)) return PlainEvent(random, mix, time);
  if (random.Percent(mix.conversation_percent)) return DetailEvent(random, mix, time);
  const std::string event = random.Percent(20) ? RequestForm(random, mix, time) : JourneyEvent(random, mix, time);
  if (random.Percent(70)) return event;
  return InEnvelope(random, mix, "v2.journey.sessions.s.events", event);
}

}  // namespace tidemark::model
