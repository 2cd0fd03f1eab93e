#include "tests/property/naive_session.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <sstream>

namespace tidemark {
namespace {

using nlohmann::json;
using Events = std::vector<const NaiveEvent*>;

std::string Date(int64_t ms) {
  using namespace std::chrono;
  const sys_days days{floor<std::chrono::days>(milliseconds(ms))};
  const year_month_day date{days};
  const int64_t rest = ms - days.time_since_epoch().count() * 86'400'000LL;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3'600'000,
                     rest / 60'000 % 60, rest / 1000 % 60, rest % 1000);
}

std::string UuidV5(const std::string& name) {
  static const unsigned char kUrl[] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                       0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  const std::string text = std::string(reinterpret_cast<const char*>(kUrl), 16) + name;
  unsigned char h[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), h);
  h[6] = static_cast<unsigned char>((h[6] & 0x0F) | 0x50);
  h[8] = static_cast<unsigned char>((h[8] & 0x3F) | 0x80);
  std::string out;
  for (int i = 0; i < 16; ++i) out += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", h[i]);
  return out;
}

// The model's fields with a letter for their type: s text, i int32, n number, b bool, l list of text, C category,
// M medium.
const std::map<std::string, std::vector<std::string>> kModels = {
    {"browser",
     {"s family", "s version", "s lang", "s fingerprint", "b isMobile", "i viewHeight", "i viewWidth",
      "b featuresFlash", "b featuresJava", "b featuresPdf", "b featuresWebrtc"}},
    {"device",
     {"C category", "s type", "b isMobile", "i screenHeight", "i screenWidth", "i screenDensity", "s fingerprint",
      "s osFamily", "s osVersion", "s manufacturer"}},
    {"geolocation",
     {"s country", "s countryName", "n latitude", "n longitude", "s locality", "s postalCode", "s region",
      "s regionName", "s source", "s timezone"}},
    {"page",
     {"s url", "s title", "s domain", "s fragment", "s hostname", "s keywords", "s lang", "s pathname", "s queryString",
      "l breadcrumb"}},
    {"mktCampaign", {"s content", "s medium", "s name", "s source", "s term", "s clickId", "s network"}},
    {"referrer",
     {"s url", "s domain", "s hostname", "s keywords", "s pathname", "s queryString", "s fragment", "s name",
      "M medium"}},
    {"app", {"s name", "s namespace", "s version", "s buildNumber"}},
    {"sdkLibrary", {"s name", "s version"}},
    {"networkConnectivity", {"s carrier", "b bluetoothEnabled", "b cellularEnabled", "b wifiEnabled"}},
    {"externalContact", {"s id", "s selfUri"}},
};

bool AllText(const json& list) {
  return list.is_array() && std::all_of(list.begin(), list.end(), [](const json& e) { return e.is_string(); });
}

bool HasType(const json& value, char type) {
  switch (type) {
    case 'i':
      return value.is_number_integer() && !(value.is_number_unsigned() && value.get<uint64_t>() > INT32_MAX) &&
             value.get<int64_t>() >= INT32_MIN && value.get<int64_t>() <= INT32_MAX;
    case 'n':
      return value.is_number();
    case 'b':
      return value.is_boolean();
    case 'l':
      return AllText(value);
    default:
      return value.is_string();
  }
}

json Project(const json& object, const std::string& model) {
  static const std::set<std::string> kCategories{"desktop", "mobile", "tablet", "other"};
  static const std::set<std::string> kMedia{"internal", "search", "social", "email", "unknown", "paid"};
  json out = json::object();
  if (!object.is_object()) return out;
  for (const std::string& field : kModels.at(model)) {
    const std::string name = field.substr(2);
    if (!object.contains(name) || !HasType(object[name], field[0])) continue;
    out[name] = object[name];
    if (field[0] == 'C' && !kCategories.contains(object[name])) out[name] = "other";
    if (field[0] == 'M' && !kMedia.contains(object[name])) out[name] = "unknown";
  }
  return out;
}

std::string Enum(const std::string& text, const std::string& spellings) {
  std::istringstream in(spellings);
  for (std::string pair; in >> pair;) {
    const size_t slash = pair.find('/');
    if (text == pair.substr(0, slash) || text == pair.substr(slash + 1)) return pair.substr(slash + 1);
  }
  return "Unknown";
}

constexpr char kDirections[] = "UNKNOWN/Unknown INBOUND/Inbound OUTBOUND/Outbound";
constexpr char kOutcomes[] = "UNKNOWN/Unknown ABANDON/Abandon ANSWERED/Answered FLOW_OUT/FlowOut";
constexpr char kDisconnects[] =
    "UNKNOWN/Unknown ENDPOINT/Endpoint CLIENT/Client SYSTEM/System TRANSFER/Transfer ERROR/Error PEER/Peer OTHER/Other "
    "SPAM/Spam TIMEOUT/Timeout TRANSPORT_FAILURE/TransportFailure CONFERENCE_TRANSFER/ConferenceTransfer "
    "CONSULT_TRANSFER/ConsultTransfer FORWARD_TRANSFER/ForwardTransfer NO_ANSWER_TRANSFER/NoAnswerTransfer "
    "NOT_AVAILABLE_TRANSFER/NotAvailableTransfer UNCALLABLE/Uncallable DND_ENDPOINT/DoNotDisturbEndpoint "
    "DND_TRANSFER/DoNotDisturbTransfer";
constexpr char kChannels[] =
    "UNKNOWN/Unknown VOICE/Voice CHAT/Chat EMAIL/Email CALLBACK/Callback COBROWSE/Cobrowse VIDEO/Video "
    "SCREENSHARE/Screenshare MESSAGE/Message Call/Call GenericObject/GenericObject Messaging/Messaging Social/Social "
    "Webchat/Webchat";
constexpr char kMessages[] =
    "UNKNOWN/Unknown SMS/Sms TWITTER/Twitter FACEBOOK/Facebook LINE/Line WHATSAPP/WhatsApp WEBMESSAGING/WebMessaging "
    "OPEN/Open INSTAGRAM/Instagram";

bool IsOneOf(const std::string& text, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return text == name; });
}

// The first value that is not empty, over events in the given order.
template <typename Get>
auto FirstOf(const Events& events, Get get) -> decltype(get(*events[0])) {
  for (const NaiveEvent* event : events) {
    if (auto value = get(*event); !value.empty()) return value;
  }
  return {};
}

bool CarriesContext(const NaiveEvent& e) { return !e.detail && IsOneOf(e.kind, {"web", "app", "outcome", "action"}); }
bool IsWebOrApp(const NaiveEvent& e) { return !e.detail && IsOneOf(e.kind, {"web", "app"}); }

json ReferrerOf(const NaiveEvent& e) {
  if (!CarriesContext(e)) return json::object();
  const char* name = IsWebOrApp(e) ? "referrer" : "visitReferrer";
  json referrer = e.payload.contains(name) ? Project(e.payload[name], "referrer") : json::object();
  if (referrer.empty() && e.request_form && !TextOf(e.body, "referrerUrl").empty()) {
    referrer["url"] = TextOf(e.body, "referrerUrl");
  }
  return referrer;
}

json ContactOf(const NaiveEvent& e) {
  if (!e.detail)
    return e.body.contains("externalContact") ? Project(e.body["externalContact"], "externalContact") : json::object();
  if (!IsOneOf(e.kind, {"customer.start", "customer.end"})) return json::object();
  std::string id = TextOf(e.body, "externalContactId");
  if (id.empty() && e.body.contains("conversationExternalContactIds")) {
    const json& ids = e.body["conversationExternalContactIds"];
    if (ids.is_array() && !ids.empty() && ids[0].is_string()) id = ids[0];
  }
  if (id.empty()) return json::object();
  return {{"id", id}, {"selfUri", "/api/v2/externalcontacts/contacts/" + id}};
}

std::pair<std::string, std::string> CustomerOf(const NaiveEvent& e) {
  if (!e.detail) return {e.customer_id, e.customer_id_type};
  if (e.kind != "customer.start" || TextOf(e.body, "mediaType").empty()) return {};
  const std::string media = Enum(TextOf(e.body, "mediaType"), kChannels);
  if (media == "Voice" || media == "Callback") return {TextOf(e.body, "ani"), "phone"};
  if (media == "Email") return {TextOf(e.body, "addressFrom"), "email"};
  return {};
}

json Reference(const std::string& id, const std::string& prefix) { return {{"id", id}, {"selfUri", prefix + id}}; }

void PutText(const char* name, const std::string& text, json& out) {
  if (!text.empty()) out[name] = text;
}

// Fields of web, app, outcome and web-action events.
void PutContext(const Events& oldest, const Events& newest, json& out) {
  const auto object = [](const char* name, auto carries) {
    return [=](const NaiveEvent& e) {
      return carries(e) && e.payload.contains(name) ? Project(e.payload[name], name) : json::object();
    };
  };
  const auto put = [&](const char* field, const json& value) {
    if (!value.empty()) out[field] = value;
  };
  for (const char* name : {"browser", "device", "geolocation"})
    put(name, FirstOf(newest, object(name, CarriesContext)));
  put("mktCampaign", FirstOf(oldest, object("mktCampaign", CarriesContext)));
  put("referrer", FirstOf(oldest, ReferrerOf));
  const auto is_app = [](const NaiveEvent& e) { return !e.detail && e.kind == "app"; };
  for (const char* name : {"app", "sdkLibrary", "networkConnectivity"})
    put(name, FirstOf(newest, object(name, is_app)));
  const auto is_web = [](const NaiveEvent& e) { return !e.detail && e.kind == "web"; };
  put("lastPage", FirstOf(newest, object("page", is_web)));
  for (const char* name : {"ipAddress", "ipOrganization", "userAgentString"}) {
    PutText(name,
            FirstOf(newest, [=](const NaiveEvent& e) { return CarriesContext(e) ? TextOf(e.payload, name) : ""; }),
            out);
  }
}

void PutAttributes(const Events& newest, const Rules& rules, json& out) {
  json attributes = json::object();
  struct List {
    std::string data_type;
    std::map<std::string, int64_t> values;
  };
  std::map<std::string, List> lists;
  for (const NaiveEvent* e : newest) {
    if (!IsWebOrApp(*e)) continue;
    const auto add = [&](const std::string& key, const json& entry, const std::vector<std::string>& values) {
      auto [list, is_new] = lists.try_emplace(key);
      if (is_new) list->second.data_type = entry["dataType"];  // newest first, own lists before attributes
      for (const std::string& value : values) {
        const auto [known, added] = list->second.values.try_emplace(value, e->time);
        if (!added) known->second = std::min(known->second, e->time);
      }
    };
    if (e->payload.contains("attributeLists") && e->payload["attributeLists"].is_object()) {
      for (const auto& [key, entry] : e->payload["attributeLists"].items()) {
        if (!entry.is_object() || !entry.contains("dataType") || !entry["dataType"].is_string()) continue;
        if (entry.contains("values") && AllText(entry["values"])) add(key, entry, entry["values"]);
      }
    }
    if (!e->payload.contains("attributes") || !e->payload["attributes"].is_object()) continue;
    for (const auto& [key, entry] : e->payload["attributes"].items()) {
      if (!entry.is_object() || !entry.contains("dataType") || !entry["dataType"].is_string()) continue;
      if (!entry.contains("value") || !entry["value"].is_string()) continue;
      if (std::count(rules.list_attributes.begin(), rules.list_attributes.end(), key) > 0) {
        add(key, entry, {entry["value"].get<std::string>()});
      } else if (!attributes.contains(key)) {
        attributes[key] = {{"dataType", entry["dataType"]}, {"value", entry["value"]}};
      }
    }
  }
  if (!attributes.empty()) out["attributes"] = attributes;
  for (const auto& [key, list] : lists) {
    std::set<std::pair<int64_t, std::string>> ordered;
    for (const auto& [value, time] : list.values) ordered.insert({time, value});
    json values = json::array();
    for (const auto& [time, value] : ordered) values.push_back(value);
    out["attributeLists"][key] = {{"dataType", list.data_type}, {"values", values}};
  }
}

void PutAchievements(const Events& newest, const char* kind, const char* what, const char* field, const char* date,
                     json& out) {
  std::map<std::string, std::pair<int64_t, std::string>> found;
  for (const NaiveEvent* e : newest) {
    if (e->detail || e->kind != kind || !e->payload.contains(what)) continue;
    const std::string id = TextOf(e->payload[what], "id");
    if (id.empty()) continue;
    auto& [time, uri] = found.try_emplace(id, e->time, "").first->second;
    time = std::min(time, e->time);
    if (uri.empty()) uri = TextOf(e->payload[what], "selfUri");
  }
  std::set<std::pair<int64_t, std::string>> ordered;
  for (const auto& [id, value] : found) ordered.insert({value.first, id});
  for (const auto& [time, id] : ordered) {
    json reference{{"id", id}};
    PutText("selfUri", found[id].second, reference);
    out[field].push_back({{what, reference}, {date, Date(time)}});
  }
}

void PutSearchTerms(const Events& oldest, json& out) {
  std::map<std::string, int64_t> terms;
  for (const NaiveEvent* e : oldest) {
    if (IsWebOrApp(*e) && !TextOf(e->payload, "searchQuery").empty())
      terms.try_emplace(TextOf(e->payload, "searchQuery"), e->time);
  }
  std::set<std::pair<int64_t, std::string>> ordered;
  for (const auto& [term, time] : terms) ordered.insert({time, term});
  for (const auto& [time, term] : ordered) out["searchTerms"].push_back(term);
}

void PutChannels(const Events& oldest, json& out) {
  std::map<std::vector<std::string>, int64_t> channels;
  for (const NaiveEvent* e : oldest) {
    if (!e->detail || TextOf(e->body, "mediaType").empty()) continue;
    const std::string message = TextOf(e->body, "messageType");
    channels.try_emplace({Enum(TextOf(e->body, "mediaType"), kChannels),
                          message.empty() ? "" : Enum(message, kMessages), TextOf(e->body, "provider")},
                         e->time);
  }
  std::set<std::pair<int64_t, std::vector<std::string>>> ordered;
  for (const auto& [channel, time] : channels) ordered.insert({time, channel});
  for (const auto& [time, channel] : ordered) {
    json entry{{"type", channel[0]}};
    PutText("messageType", channel[1], entry);
    PutText("platform", channel[2], entry);
    out["conversationChannels"].push_back(entry);
  }
}

void PutConversation(const Events& oldest, const Events& newest, json& out) {
  const auto text = [](const char* name, std::initializer_list<const char*> kinds) {
    const std::vector<std::string> wanted(kinds.begin(), kinds.end());
    return [=](const NaiveEvent& e) {
      const bool reads = e.detail && (wanted.empty() || std::count(wanted.begin(), wanted.end(), e.kind) > 0);
      return reads ? TextOf(e.body, name) : std::string();
    };
  };
  const std::string queue = FirstOf(newest, text("queueId", {}));
  if (!queue.empty()) out["lastConnectedQueue"] = Reference(queue, "/api/v2/routing/queues/");
  const std::string user = FirstOf(newest, text("userId", {"user.start"}));
  if (!user.empty()) out["lastConnectedUser"] = Reference(user, "/api/v2/users/");
  for (const NaiveEvent* e : newest) {
    const std::string code = text("wrapupCode", {"acw", "wrapup"})(*e);
    if (code.empty()) continue;
    json disposition{{"code", code}};
    PutText("notes", TextOf(e->body, "wrapupNotes"), disposition);
    const std::string own = TextOf(e->body, "userId");
    const std::string who = own.empty() ? user : own;
    disposition["user"] = who.empty() ? json::object() : Reference(who, "/api/v2/users/");
    out["lastUserDisposition"] = disposition;
    break;
  }
  PutChannels(oldest, out);
  const auto put_enum = [&](const char* field, const std::string& value, const char* spellings) {
    if (!value.empty()) out[field] = Enum(value, spellings);
  };
  put_enum("originatingDirection", FirstOf(oldest, text("direction", {})), kDirections);
  PutText("conversationSubject", FirstOf(newest, text("subject", {})), out);
  put_enum("lastUserDisconnectType", FirstOf(newest, text("disconnectType", {"user.end"})), kDisconnects);
  put_enum("lastAcdOutcome", FirstOf(newest, text("acdOutcome", {"acd.end"})), kOutcomes);
}

void PutCounts(const NaiveSession& session, const Rules& rules, json& out) {
  const auto count = [&](const char* kind, const std::vector<std::string>& names) {
    return std::count_if(session.events.begin(), session.events.end(), [&](const NaiveEvent& e) {
      return !e.detail && e.kind == kind && std::count(names.begin(), names.end(), e.name) > 0;
    });
  };
  out["eventCount"] = session.events.size();
  const auto pages = count("web", rules.pageview_events);
  const auto screens = count("app", rules.screenview_events);
  if (pages > 0 || out["type"] == "web") out["pageviewCount"] = pages;
  if (screens > 0 || out["type"] == "app") out["screenviewCount"] = screens;
  out["durationInSeconds"] = (session.last() - session.first()) / 1000;
}

void PutIdentity(const NaiveSession& session, const Events& newest, json& out) {
  const auto& [by_customer, id_type, id, type] = session.events[0].key;
  out["type"] = type;
  out["id"] =
      by_customer ? UuidV5("tidemark:session:" + id_type + ":" + id + ":" + type + ":" + Date(session.first())) : id;
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : out["id"].get<std::string>()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  out["shortId"] = std::to_string(hash % 900'000 + 100'000);
  for (const NaiveEvent* e : newest) {
    const auto [customer, customer_type] = CustomerOf(*e);
    if (customer.empty()) continue;
    out["customerId"] = customer;
    PutText("customerIdType", customer_type, out);
    break;
  }
  const std::string uri = FirstOf(newest, [](const NaiveEvent& e) {
    return e.detail || !e.body.contains("session") ? std::string() : TextOf(e.body["session"], "selfUri");
  });
  out["selfUri"] = uri.empty() ? "/api/v2/journey/sessions/" + out["id"].get<std::string>() : uri;
  PutText("externalId",
          FirstOf(newest,
                  [](const NaiveEvent& e) {
                    if (e.detail) return std::string();
                    const std::string own = TextOf(e.body, "externalId");
                    return own.empty() && IsWebOrApp(e) ? TextOf(e.payload, "externalId") : own;
                  }),
          out);
  PutText("externalUrl",
          FirstOf(newest, [](const NaiveEvent& e) { return e.detail ? "" : TextOf(e.body, "externalUrl"); }), out);
  if (const json contact = FirstOf(newest, ContactOf); !contact.empty()) out["externalContact"] = contact;
}

}  // namespace

int64_t NaiveSession::first() const {
  return std::min_element(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.time < b.time; })
      ->time;
}

int64_t NaiveSession::last() const {
  return std::max_element(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.time < b.time; })
      ->time;
}

bool NaiveSession::CustomerHasLeft() const {
  std::map<std::string, int64_t> started;
  std::map<std::string, int64_t> ended;
  for (const NaiveEvent& e : events) {
    if (!e.detail || !IsOneOf(e.kind, {"customer.start", "customer.end"})) continue;
    auto& legs = e.kind == "customer.start" ? started : ended;
    const auto [leg, is_new] = legs.try_emplace(TextOf(e.body, "sessionId"), e.time);
    leg->second = std::max(leg->second, e.time);
  }
  return !started.empty() && std::all_of(started.begin(), started.end(), [&](const auto& leg) {
    return ended.contains(leg.first) && ended[leg.first] >= leg.second;
  });
}

int64_t NaiveSession::CustomerEnded() const {
  int64_t time = 0;
  for (const NaiveEvent& e : events) {
    if (e.detail && e.kind == "customer.end") time = std::max(time, e.time);
  }
  return time;
}

json NaiveEnvelope(const NaiveSession& session, const std::string& reason, int64_t ended, const Rules& rules) {
  Events oldest;
  for (const NaiveEvent& e : session.events) oldest.push_back(&e);
  std::sort(oldest.begin(), oldest.end(), [](const NaiveEvent* a, const NaiveEvent* b) {
    return std::pair(a->time, a->position) < std::pair(b->time, b->position);
  });
  const Events newest(oldest.rbegin(), oldest.rend());
  json out;
  PutIdentity(session, newest, out);
  PutContext(oldest, newest, out);
  PutAttributes(newest, rules, out);
  PutAchievements(newest, "outcome", "outcome", "outcomeAchievements", "achievedDate", out);
  PutAchievements(newest, "segment", "segment", "segmentAssignments", "assignedDate", out);
  PutSearchTerms(oldest, out);
  PutConversation(oldest, newest, out);
  PutCounts(session, rules, out);
  const NaiveEvent& last = *newest[0];
  out["lastEvent"] = {{"id", last.id.empty() ? "0:" + std::to_string(last.position) : last.id},
                      {"eventName", last.name},
                      {"createdDate", Date(last.time)}};
  out["authenticated"] = std::any_of(oldest.begin(), oldest.end(), [](const NaiveEvent* e) {
    return IsWebOrApp(*e) && e->payload.contains("authenticated") && e->payload["authenticated"] == true;
  });
  out["createdDate"] = Date(session.first());
  out["endedDate"] = Date(ended);
  if (last.time + rules.away_after.ms <= ended) out["awayDate"] = Date(last.time + rules.away_after.ms);
  if (last.time + rules.idle_after.ms <= ended) out["idleDate"] = Date(last.time + rules.idle_after.ms);
  if (std::any_of(oldest.begin(), oldest.end(), [](const NaiveEvent* e) { return e->detail; })) {
    out["conversation"] = Reference(out["id"], "/api/v2/conversations/");
  }
  return {{"closeReason", reason},
          {"duplicateEvents", session.duplicates},
          {"outOfOrderEvents", session.out_of_order},
          {"session", out}};
}

}  // namespace tidemark
