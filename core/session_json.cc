#include "core/session_json.h"

#include <algorithm>

#include "core/collections.h"
#include "core/json_text.h"
#include "core/object_model.h"
#include "core/packed.h"
#include "core/timestamp.h"

namespace tidemark {
namespace {

constexpr std::string_view kSessionUri = "/api/v2/journey/sessions/";
constexpr std::string_view kQueueUri = "/api/v2/routing/queues/";
constexpr std::string_view kUserUri = "/api/v2/users/";
constexpr std::string_view kConversationUri = "/api/v2/conversations/";

template <JsonKey kName>
void AppendJsonKey(ByteBuffer& out) {
  out.EndAt(kName.Put(out.Room(JsonKey::kRoom)));
}

// {"id":"…","selfUri":"PREFIX…"}
void AppendReference(std::string_view id, std::string_view uri_prefix, ByteBuffer& out) {
  out += '{';
  AppendJsonKey<"id">(out);
  AppendJsonString(id, out);
  out += ',';
  AppendJsonKey<"selfUri">(out);
  AppendJsonString(uri_prefix, id, out);
  out += '}';
}

// {"dataType":"…",
void AppendDataType(std::string_view data_type, ByteBuffer& out) {
  out += '{';
  AppendJsonKey<"dataType">(out);
  AppendJsonString(data_type, out);
  out += ',';
}

// Puts `separator` first time, commas afterwards.
class Separator {
 public:
  explicit Separator(char first) : next_(first) {}
  void Append(ByteBuffer& out) {
    out += next_;
    next_ = ',';
  }

 private:
  char next_;
};

}  // namespace

template <JsonKey kName>
void SessionWriter::Key() {
  char* p = json_.Room(1 + JsonKey::kRoom);
  *p = ',';
  if (json_.size() > 1) ++p;
  json_.EndAt(kName.Put(p));
}

template <JsonKey kName>
void SessionWriter::Text(std::string_view value) {
  if (value.empty()) return;
  Key<kName>();
  AppendJsonString(value, json_);
}

template <JsonKey kName>
void SessionWriter::Integer(int64_t value) {
  Key<kName>();
  AppendInteger(value, json_);
}

template <JsonKey kName>
void SessionWriter::Bool(bool value) {
  Key<kName>();
  json_ += value ? std::string_view("true") : std::string_view("false");
}

template <JsonKey kName>
void SessionWriter::Time(EventTime time) {
  Key<kName>();
  AppendJsonTime(time, json_);
}

template <JsonKey kName>
void SessionWriter::TimeUnlessAfter(EventTime time, EventTime limit) {
  if (time <= limit) Time<kName>(time);
}

template <JsonKey kName>
void SessionWriter::Object(Slot slot, const ObjectModel& model, const Session& session) {
  if (!session.fields.Has(slot)) return;
  Key<kName>();
  if (CommonValue* const common = session.fields.Common(slot)) {
    json_ += common->Json(value_json_,
                          [&](std::string_view packed, ByteBuffer& out) { AppendObjectJson(model, packed, out); });
  } else {
    AppendObjectJson(model, session.fields.Get(slot), json_);
  }
}

template <JsonKey kName>
void SessionWriter::Reference(std::string_view id, std::string_view uri_prefix) {
  if (id.empty()) return;
  Key<kName>();
  AppendReference(id, uri_prefix, json_);
}

// By customer: UUIDv5 of `tidemark:session:{customerIdType}:{customerId}:{type}:{createdDate}`.
void SessionWriter::SetId(const Session& session, const SessionKey& key) {
  if (!key.by_customer) {
    id_.assign(key.id);
    return;
  }
  name_.assign("tidemark:session:");
  name_.append(key.customer_id_type).append(":").append(key.id).append(":").append(key.type).append(":");
  AppendTimestamp(session.first, name_);
  uuids_.Generate(name_, id_);
}

void SessionWriter::Write(const Session& session) {
  const SessionKey key = session.key();
  SetId(session, key);
  json_.clear();
  json_ += '{';
  Text<"id">(id_);
  WriteCustomer(session, key);
  WriteContext(session);
  WriteCounts(session);
  WriteConversation(session);
  Bool<"authenticated">(session.authenticated);
  if (session.fields.Has(Slot::kSelfUri)) {
    Text<"selfUri">(session.fields.Get(Slot::kSelfUri));
  } else {
    Key<"selfUri">();
    AppendJsonString(kSessionUri, id_, json_);
  }
  const EventTime ended = session.EndedDate(rules_);
  Time<"createdDate">(session.first);
  Time<"endedDate">(ended);
  Object<"externalContact">(Slot::kExternalContact, kEntityRefModel, session);
  TimeUnlessAfter<"awayDate">(session.last + rules_.away_after, ended);
  TimeUnlessAfter<"idleDate">(session.last + rules_.idle_after, ended);
  if (session.is_conversation) Reference<"conversation">(key.id, kConversationUri);
  json_ += '}';
}

void SessionWriter::WriteCustomer(const Session& session, const SessionKey& key) {
  if (key.by_customer) {
    Text<"customerId">(key.id);
    Text<"customerIdType">(key.customer_id_type);
  } else if (session.fields.Has(Slot::kCustomer)) {
    Unpacker unpack(session.fields.Get(Slot::kCustomer));
    Text<"customerId">(unpack.Text());
    Text<"customerIdType">(unpack.Text());
  }
  Text<"type">(key.type);
  Text<"externalId">(session.fields.Get(Slot::kExternalId));
  Text<"externalUrl">(session.fields.Get(Slot::kExternalUrl));
  Key<"shortId">();
  json_ += '"';
  AppendInteger(ShortId(id_), json_);
  json_ += '"';
}

void SessionWriter::WriteContext(const Session& session) {
  WriteAchievements<"outcomeAchievements", "achievedDate", "outcome">(Slot::kOutcomes, session);
  WriteAchievements<"segmentAssignments", "assignedDate", "segment">(Slot::kSegments, session);
  WriteAttributes(session);
  WriteAttributeLists(session);
  Object<"browser">(Slot::kBrowser, kBrowserModel, session);
  Object<"device">(Slot::kDevice, kDeviceModel, session);
  Object<"geolocation">(Slot::kGeolocation, kGeolocationModel, session);
  Text<"ipAddress">(session.fields.Get(Slot::kIpAddress));
  Text<"ipOrganization">(session.fields.Get(Slot::kIpOrganization));
  Object<"lastPage">(Slot::kPage, kPageModel, session);
  Object<"mktCampaign">(Slot::kCampaign, kCampaignModel, session);
  Object<"referrer">(Slot::kReferrer, kReferrerModel, session);
  Object<"app">(Slot::kApp, kAppModel, session);
  Object<"sdkLibrary">(Slot::kSdkLibrary, kSdkLibraryModel, session);
  Object<"networkConnectivity">(Slot::kNetworkConnectivity, kNetworkConnectivityModel, session);
  WriteSearchTerms(session);
  Text<"userAgentString">(session.fields.Get(Slot::kUserAgent));
}

void SessionWriter::WriteCounts(const Session& session) {
  Integer<"durationInSeconds">((session.last - session.first).ms / 1000);
  Integer<"eventCount">(session.events);
  const std::string_view type = session.key().type;
  if (type == "web" || session.pageviews != 0) Integer<"pageviewCount">(session.pageviews);
  if (type == "app" || session.screenviews != 0) Integer<"screenviewCount">(session.screenviews);
  WriteLastEvent(session);
}

void SessionWriter::WriteConversation(const Session& session) {
  Reference<"lastConnectedQueue">(session.fields.Get(Slot::kQueue), kQueueUri);
  Reference<"lastConnectedUser">(session.fields.Get(Slot::kUser), kUserUri);
  WriteDisposition(session);
  WriteChannels(session);
  Text<"originatingDirection">(session.fields.Get(Slot::kDirection));
  Text<"conversationSubject">(session.fields.Get(Slot::kSubject));
  Text<"lastUserDisconnectType">(session.fields.Get(Slot::kDisconnectType));
  Text<"lastAcdOutcome">(session.fields.Get(Slot::kAcdOutcome));
}

template <JsonKey kName, JsonKey kDate, JsonKey kWhat>
void SessionWriter::WriteAchievements(Slot slot, const Session& session) {
  if (!session.fields.Has(slot)) return;
  Collected<Achievement> achievements = UnpackAchievements(session.fields.Get(slot));
  std::sort(achievements.begin(), achievements.end(), [](const Achievement& a, const Achievement& b) {
    return a.time != b.time ? a.time < b.time : a.id < b.id;
  });
  Key<kName>();
  Separator separator('[');
  for (const Achievement& achievement : achievements) {
    separator.Append(json_);
    json_ += '{';
    AppendJsonKey<kWhat>(json_);
    json_ += '{';
    AppendJsonKey<"id">(json_);
    AppendJsonString(achievement.id, json_);
    if (!achievement.self_uri.empty()) {
      json_ += ',';
      AppendJsonKey<"selfUri">(json_);
      AppendJsonString(achievement.self_uri, json_);
    }
    json_ += std::string_view("},");
    AppendJsonKey<kDate>(json_);
    AppendJsonTime(achievement.time, json_);
    json_ += '}';
  }
  json_ += ']';
}

void SessionWriter::WriteAttributes(const Session& session) {
  if (!session.fields.Has(Slot::kAttributes)) return;
  Key<"attributes">();
  Separator separator('{');
  for (Unpacker packed(session.fields.Get(Slot::kAttributes)); !packed.AtEnd();) {
    const Attribute attribute = ReadAttribute(packed);
    separator.Append(json_);
    AppendJsonString(attribute.key, json_);
    json_ += ':';
    AppendDataType(attribute.data_type, json_);
    AppendJsonKey<"value">(json_);
    AppendJsonString(attribute.value, json_);
    json_ += '}';
  }
  json_ += '}';
}

void SessionWriter::WriteAttributeLists(const Session& session) {
  if (!session.fields.Has(Slot::kAttributeLists)) return;
  Key<"attributeLists">();
  Separator separator('{');
  for (const AttributeList& list : UnpackLists(session.fields.Get(Slot::kAttributeLists))) {
    separator.Append(json_);
    AppendJsonString(list.key, json_);
    json_ += ':';
    AppendDataType(list.data_type, json_);
    AppendJsonKey<"values">(json_);
    json_ += '[';
    for (const Term& term : list.values) {
      if (&term != list.values.data()) json_ += ',';
      AppendJsonString(term.value, json_);
    }
    json_ += std::string_view("]}");
  }
  json_ += '}';
}

void SessionWriter::WriteSearchTerms(const Session& session) {
  if (!session.fields.Has(Slot::kSearchTerms)) return;
  Key<"searchTerms">();
  Separator separator('[');
  for (const Term& term : UnpackTerms(session.fields.Get(Slot::kSearchTerms))) {
    separator.Append(json_);
    AppendJsonString(term.value, json_);
  }
  json_ += ']';
}

void SessionWriter::WriteLastEvent(const Session& session) {
  Unpacker unpack(session.fields.Get(Slot::kLastEvent));
  Key<"lastEvent">();
  json_ += '{';
  AppendJsonKey<"id">(json_);
  AppendJsonString(unpack.Text(), json_);
  json_ += ',';
  AppendJsonKey<"eventName">(json_);
  AppendJsonString(unpack.Text(), json_);
  json_ += ',';
  AppendJsonKey<"createdDate">(json_);
  AppendJsonTime(session.last, json_);
  json_ += '}';
}

// The user is the disposition's own, else the session's last connected one, else {}.
void SessionWriter::WriteDisposition(const Session& session) {
  if (!session.fields.Has(Slot::kDisposition)) return;
  Unpacker unpack(session.fields.Get(Slot::kDisposition));
  Key<"lastUserDisposition">();
  json_ += '{';
  AppendJsonKey<"code">(json_);
  AppendJsonString(unpack.Text(), json_);
  if (const std::string_view notes = unpack.Text(); !notes.empty()) {
    json_ += ',';
    AppendJsonKey<"notes">(json_);
    AppendJsonString(notes, json_);
  }
  json_ += ',';
  AppendJsonKey<"user">(json_);
  std::string_view user = unpack.Text();
  if (user.empty()) user = session.fields.Get(Slot::kUser);
  if (user.empty()) {
    json_ += std::string_view("{}");
  } else {
    AppendReference(user, kUserUri, json_);
  }
  json_ += '}';
}

void SessionWriter::WriteChannels(const Session& session) {
  if (!session.fields.Has(Slot::kChannels)) return;
  Key<"conversationChannels">();
  Separator separator('[');
  for (const Channel& channel : UnpackChannels(session.fields.Get(Slot::kChannels))) {
    separator.Append(json_);
    json_ += '{';
    AppendJsonKey<"type">(json_);
    AppendJsonString(channel.type, json_);
    if (!channel.message_type.empty()) {
      json_ += ',';
      AppendJsonKey<"messageType">(json_);
      AppendJsonString(channel.message_type, json_);
    }
    if (!channel.platform.empty()) {
      json_ += ',';
      AppendJsonKey<"platform">(json_);
      AppendJsonString(channel.platform, json_);
    }
    json_ += '}';
  }
  json_ += ']';
}

}  // namespace tidemark
