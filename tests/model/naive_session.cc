#include "tests/model/naive_session.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "tests/model/naive_json.h"
#include "tests/model/naive_projection.h"

namespace tidemark::model {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;
using Getter = std::function<json(const NaiveEvent&)>;  // null: the event does not have it

const Names kEveryKind;
const Names kWeb = {"webEvent"};
const Names kApp = {"appEvent"};
const Names kWebAndApp = {"webEvent", "appEvent"};
const Names kOutcomeAndAction = {"outcomeAchievedEvent", "webActionEvent"};
const Names kAllButSegment = {"webEvent", "appEvent", "outcomeAchievedEvent", "webActionEvent"};

bool Contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The members of an object; none of anything else.
json Members(const json& object, const std::string& key) {
  const json& member = Member(object, key);
  return member.is_object() ? member : json::object();
}

json OrNull(const std::string& text) { return text.empty() ? json() : json(text); }

std::string Date(int64_t time) {
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day calendar{day};
  const int64_t in_day = (point - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(calendar.year()),
                     static_cast<unsigned>(calendar.month()), static_cast<unsigned>(calendar.day()), in_day / 3'600'000,
                     in_day / 60'000 % 60, in_day / 1000 % 60, in_day % 1000);
}

std::string DerivedId(const std::string& name) {
  static constexpr unsigned char kUrlNamespace[16] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                                      0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  const std::string hashed = std::string(kUrlNamespace, kUrlNamespace + 16) + name;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(hashed.data()), hashed.size(), digest.data());
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0F) | 0x50);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3F) | 0x80);
  std::string uuid;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += fmt::format("{:02x}", digest[i]);
  }
  return uuid;
}

std::string ShortId(const std::string& id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return std::to_string(hash % 900000 + 100000);
}

json Reference(const std::string& path, const std::string& id) {
  return id.empty() ? json() : json{{"id", id}, {"selfUri", path + id}};
}

// The whole work of one session. Every rule is a scan over all events, oldest first.
class Builder {
 public:
  Builder(const NaiveEvents& events, const Rules& rules) : events_(events), rules_(rules) {
    std::sort(events_.begin(), events_.end(), [](const NaiveEvent& a, const NaiveEvent& b) {
      return std::tie(a.time, a.position) < std::tie(b.time, b.position);
    });
  }

  json Build(int64_t ended) {
    Identity();
    PayloadFields();
    Attributes();
    SearchTerms();
    Achievements("outcomeAchievements", "outcomeAchievedEvent", "outcome", "achievedDate");
    Achievements("segmentAssignments", "segmentAssignmentEvent", "segment", "assignedDate");
    Counts();
    Conversation();
    Disposition();
    Channels();
    Dates(ended);
    return session_;
  }

 private:
  void Set(const std::string& field, json value) {
    if (!value.is_null()) session_[field] = std::move(value);
  }

  json Oldest(const Getter& get) const {
    for (const NaiveEvent& event : events_) {
      if (json value = get(event); !value.is_null()) return value;
    }
    return nullptr;
  }

  json Newest(const Getter& get) const {
    for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
      if (json value = get(*event); !value.is_null()) return value;
    }
    return nullptr;
  }

  // A string of the payloads named.
  static Getter PayloadText(const Names& payloads, const std::string& field) {
    return [=](const NaiveEvent& e) {
      return payloads.contains(e.payload_name) ? OrNull(Text(e.payload, field)) : json();
    };
  }

  // An object of the payloads named, projected.
  static Getter PayloadObject(const Names& payloads, const std::string& field, const std::string& model) {
    return [=](const NaiveEvent& e) {
      return payloads.contains(e.payload_name) ? Project(Member(e.payload, field), model) : json();
    };
  }

  // A string of the detail events of these kinds.
  static Getter DetailText(const Names& kinds, const std::string& field) {
    return [=](const NaiveEvent& e) {
      const bool read = e.detail && (kinds.empty() || kinds.contains(e.kind));
      return read ? OrNull(Text(e.body, field)) : json();
    };
  }

  static json Referrer(const NaiveEvent& event) {
    const Names& with_referrer = kWebAndApp;
    json referrer = PayloadObject(with_referrer, "referrer", "Referrer")(event);
    if (referrer.is_null()) referrer = PayloadObject(kOutcomeAndAction, "visitReferrer", "Referrer")(event);
    if (referrer.is_null() && event.request_form) {
      const std::string url = Text(event.body, "referrerUrl");
      if (!url.empty()) referrer = json{{"url", url}};
    }
    return referrer;
  }

  static json ExternalId(const NaiveEvent& event) {
    const json own = OrNull(Text(event.body, "externalId"));
    return own.is_null() ? PayloadText(kWebAndApp, "externalId")(event) : own;
  }

  static json ExternalContact(const NaiveEvent& event) {
    const json own = Project(Member(event.body, "externalContact"), "AddressableEntityRef");
    if (!own.is_null() || (event.kind != "customer.start" && event.kind != "customer.end")) return own;
    std::string id = Text(event.body, "externalContactId");
    const json& contacts = Member(event.body, "conversationExternalContactIds");
    if (id.empty() && contacts.is_array() && !contacts.empty() && contacts[0].is_string()) id = contacts[0];
    return Reference("/api/v2/externalcontacts/contacts/", id);
  }

  void Identity() {
    const NaiveEvent& first = events_.front();
    const NaiveKey& key = first.key;
    const std::string id = key.by_customer ? DerivedId("tidemark:session:" + key.values[0] + ":" + key.values[1] + ":" +
                                                       key.values[2] + ":" + Date(first.time))
                                           : key.values[0];
    session_ = {{"id", id}, {"shortId", ShortId(id)}, {"type", first.type}};
    const json own_uri = Newest(
        [](const NaiveEvent& e) { return e.detail ? json() : OrNull(Text(Member(e.body, "session"), "selfUri")); });
    session_["selfUri"] = own_uri.is_null() ? json("/api/v2/journey/sessions/" + id) : own_uri;
    const json customer = Newest([](const NaiveEvent& e) {
      return e.customer_id.empty() ? json() : json::array({e.customer_id, e.customer_id_type});
    });
    if (!customer.is_null()) {
      Set("customerId", customer[0]);
      Set("customerIdType", OrNull(customer[1]));
    }
    Set("externalId", Newest(ExternalId));
    Set("externalUrl", Newest([](const NaiveEvent& e) { return OrNull(Text(e.body, "externalUrl")); }));
    Set("externalContact", Newest(ExternalContact));
  }

  void PayloadFields() {
    Set("browser", Newest(PayloadObject(kAllButSegment, "browser", "Browser")));
    Set("device", Newest(PayloadObject(kAllButSegment, "device", "Device")));
    Set("geolocation", Newest(PayloadObject(kAllButSegment, "geolocation", "JourneyGeolocation")));
    for (const char* field : {"ipAddress", "ipOrganization", "userAgentString"}) {
      Set(field, Newest(PayloadText(kAllButSegment, field)));
    }
    Set("app", Newest(PayloadObject(kApp, "app", "JourneyApp")));
    Set("sdkLibrary", Newest(PayloadObject(kApp, "sdkLibrary", "SdkLibrary")));
    Set("networkConnectivity", Newest(PayloadObject(kApp, "networkConnectivity", "NetworkConnectivity")));
    Set("lastPage", Newest(PayloadObject(kWeb, "page", "JourneyPage")));
    Set("referrer", Oldest(Referrer));
    Set("mktCampaign", Oldest(PayloadObject(kAllButSegment, "mktCampaign", "JourneyCampaign")));
    session_["authenticated"] = std::any_of(events_.begin(), events_.end(), [](const NaiveEvent& e) {
      return kWebAndApp.contains(e.payload_name) && Member(e.payload, "authenticated") == true;
    });
  }

  // Of one list in the making: the dates its values were first seen at, and its newest data type.
  struct List {
    std::map<std::string, int64_t> first_seen;
    std::string data_type;

    void See(const std::string& value, int64_t time) { first_seen.emplace(value, time); }  // oldest events come first

    json Values() const {
      std::vector<std::pair<int64_t, std::string>> order;
      for (const auto& [value, time] : first_seen) order.emplace_back(time, value);
      std::sort(order.begin(), order.end());
      json values = json::array();
      for (const auto& [time, value] : order) values.push_back(value);
      return values;
    }
  };

  void Attributes() {
    json attributes = json::object();
    std::map<std::string, List> lists;
    for (const NaiveEvent& event : events_) {
      if (!kWebAndApp.contains(event.payload_name)) continue;
      const json written_attributes = Members(event.payload, "attributes");
      for (const auto& [key, written] : written_attributes.items()) {
        const json attribute = Project(written, "CustomEventAttribute");
        if (attribute.size() != 2) continue;
        if (Contains(rules_.list_attributes, key)) {
          lists[key].See(attribute["value"], event.time);
          lists[key].data_type = attribute["dataType"];
        } else {
          attributes[key] = attribute;
        }
      }
      OwnLists(event, &lists);
    }
    if (!attributes.empty()) session_["attributes"] = attributes;
    for (const auto& [key, list] : lists) {
      session_["attributeLists"][key] = {{"dataType", list.data_type}, {"values", list.Values()}};
    }
  }

  static void OwnLists(const NaiveEvent& event, std::map<std::string, List>* lists) {
    const json written_lists = Members(event.payload, "attributeLists");
    for (const auto& [key, written] : written_lists.items()) {
      const json own = Project(written, "CustomEventAttributeList");
      if (own.size() != 2) continue;
      for (const json& value : own["values"]) (*lists)[key].See(value, event.time);
      (*lists)[key].data_type = own["dataType"];
    }
  }

  void SearchTerms() {
    List terms;
    for (const NaiveEvent& event : events_) {
      const json term = PayloadText(kWebAndApp, "searchQuery")(event);
      if (!term.is_null()) terms.See(term, event.time);
    }
    if (!terms.first_seen.empty()) session_["searchTerms"] = terms.Values();
  }

  void Achievements(const std::string& field, const std::string& payload, const std::string& thing,
                    const std::string& date) {
    List ids;
    std::map<std::string, std::string> self_uris;
    for (const NaiveEvent& event : events_) {
      if (event.payload_name != payload) continue;
      const json& achieved = Member(event.payload, thing);
      const std::string id = Text(achieved, "id");
      if (id.empty()) continue;
      ids.See(id, event.time);
      const std::string self_uri = Text(achieved, "selfUri");
      if (!self_uri.empty()) self_uris[id] = self_uri;
    }
    for (const json& id : ids.Values()) {
      json entity = {{"id", id}};
      if (self_uris.contains(id)) entity["selfUri"] = self_uris[id];
      session_[field].push_back({{thing, entity}, {date, Date(ids.first_seen[id])}});
    }
  }

  void Counts() {
    int64_t pages = 0;
    int64_t screens = 0;
    for (const NaiveEvent& e : events_) {
      if (e.payload_name == "webEvent" && Contains(rules_.pageview_events, e.name)) ++pages;
      if (e.payload_name == "appEvent" && Contains(rules_.screenview_events, e.name)) ++screens;
    }
    session_["eventCount"] = events_.size();
    if (pages > 0 || session_["type"] == "web") session_["pageviewCount"] = pages;
    if (screens > 0 || session_["type"] == "app") session_["screenviewCount"] = screens;
  }

  void Conversation() {
    Set("conversation",
        Newest([](const NaiveEvent& e) { return Reference("/api/v2/conversations/", e.conversation_id); }));
    Set("conversationSubject", Newest(DetailText(kEveryKind, "subject")));
    SetEnum("originatingDirection", Oldest(DetailText(kEveryKind, "direction")));
    SetEnum("lastUserDisconnectType", Newest(DetailText({"user.end"}, "disconnectType")));
    SetEnum("lastAcdOutcome", Newest(DetailText({"acd.end"}, "acdOutcome")));
    const auto queue = Newest(DetailText(kEveryKind, "queueId"));
    if (!queue.is_null()) session_["lastConnectedQueue"] = Reference("/api/v2/routing/queues/", queue);
    const auto user = Newest(DetailText({"user.start"}, "userId"));
    if (!user.is_null()) session_["lastConnectedUser"] = Reference("/api/v2/users/", user);
  }

  void SetEnum(const std::string& field, const json& value) {
    if (!value.is_null()) session_[field] = SessionSpelling(field, value);
  }

  void Disposition() {
    Set("lastUserDisposition", Newest([this](const NaiveEvent& e) {
          const json code = DetailText({"acw", "wrapup"}, "wrapupCode")(e);
          if (code.is_null()) return json();
          json disposition = {{"code", code}};
          if (const std::string notes = Text(e.body, "wrapupNotes"); !notes.empty()) disposition["notes"] = notes;
          json user = Reference("/api/v2/users/", Text(e.body, "userId"));
          if (user.is_null()) user = session_.value("lastConnectedUser", json::object());
          disposition["user"] = user;
          return disposition;
        }));
  }

  void Channels() {
    std::map<std::array<std::string, 3>, int64_t> first_seen;
    for (const NaiveEvent& e : events_) {
      const std::string type = e.detail ? SessionSpelling("type", Text(e.body, "mediaType")) : "";
      if (type.empty()) continue;
      const std::string message_type = SessionSpelling("messageType", Text(e.body, "messageType"));
      first_seen.emplace(std::array{type, message_type, Text(e.body, "provider")}, e.time);
    }
    std::vector<std::pair<int64_t, std::array<std::string, 3>>> order;
    order.reserve(first_seen.size());
    for (const auto& [channel, time] : first_seen) order.emplace_back(time, channel);
    std::sort(order.begin(), order.end());
    for (const auto& [time, channel] : order) {
      json written = {{"type", channel[0]}};
      if (!channel[1].empty()) written["messageType"] = channel[1];
      if (!channel[2].empty()) written["platform"] = channel[2];
      session_["conversationChannels"].push_back(written);
    }
  }

  void Dates(int64_t ended) {
    const NaiveEvent& first = events_.front();
    const NaiveEvent& last = events_.back();
    const std::string id = last.id.empty() ? fmt::format("0:{}", last.position) : last.id;
    session_["lastEvent"] = {{"id", id}, {"eventName", last.name}, {"createdDate", Date(last.time)}};
    session_["createdDate"] = Date(first.time);
    session_["durationInSeconds"] = (last.time - first.time) / 1000;
    session_["endedDate"] = Date(ended);
    const int64_t idle = last.time + rules_.idle_after.ms;
    const int64_t away = last.time + rules_.away_after.ms;
    if (idle <= ended) session_["idleDate"] = Date(idle);
    if (away <= ended) session_["awayDate"] = Date(away);
  }

  NaiveEvents events_;  // oldest first
  const Rules& rules_;
  json session_;
};

// The time of the newest `kind` of this leg; none: before all time.
int64_t NewestOfLeg(const NaiveEvents& events, const std::string& kind, const std::string& leg) {
  int64_t newest = -1;
  for (const NaiveEvent& e : events) {
    if (e.detail && e.kind == kind && Text(e.body, "sessionId") == leg) newest = std::max(newest, e.time);
  }
  return newest;
}

}  // namespace

bool AllLegsEnded(const NaiveEvents& events) {
  bool started = false;
  for (const NaiveEvent& e : events) {
    if (!e.detail || e.kind != "customer.start") continue;
    started = true;
    const std::string leg = Text(e.body, "sessionId");
    if (NewestOfLeg(events, "customer.end", leg) < NewestOfLeg(events, "customer.start", leg)) return false;
  }
  return started;
}

int64_t NewestCustomerEnd(const NaiveEvents& events) {
  int64_t newest = -1;
  for (const NaiveEvent& e : events) {
    if (e.detail && e.kind == "customer.end") newest = std::max(newest, e.time);
  }
  return newest;
}

nlohmann::json SessionJson(const NaiveEvents& events, int64_t ended, const Rules& rules) {
  return Builder(events, rules).Build(ended);
}

}  // namespace tidemark::model
