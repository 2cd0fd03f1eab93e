#include "core/event.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/name_table.h"
#include "core/object_model.h"
#include "core/timestamp.h"

namespace tidemark {
namespace {

struct KeyName {
  std::string_view name;
  Key key;
};

constexpr KeyName kKeyNames[] = {
    {"acdOutcome", Key::kAcdOutcome},
    {"addressFrom", Key::kAddressFrom},
    {"ani", Key::kAni},
    {"app", Key::kApp},
    {"appEvent", Key::kAppEvent},
    {"attributeLists", Key::kAttributeLists},
    {"attributes", Key::kAttributes},
    {"authenticated", Key::kAuthenticated},
    {"browser", Key::kBrowser},
    {"conversationExternalContactIds", Key::kConversationExternalContactIds},
    {"conversationId", Key::kConversationId},
    {"CorrelationId", Key::kCorrelationId},
    {"createdDate", Key::kCreatedDate},
    {"customerCookieId", Key::kCustomerCookieId},
    {"customerId", Key::kCustomerId},
    {"customerIdType", Key::kCustomerIdType},
    {"detail", Key::kDetail},
    {"detail-type", Key::kDetailType},
    {"device", Key::kDevice},
    {"direction", Key::kDirection},
    {"disconnectType", Key::kDisconnectType},
    {"eventBody", Key::kEventBody},
    {"eventName", Key::kEventName},
    {"eventTime", Key::kEventTime},
    {"eventType", Key::kEventType},
    {"externalContact", Key::kExternalContact},
    {"externalContactId", Key::kExternalContactId},
    {"externalId", Key::kExternalId},
    {"externalUrl", Key::kExternalUrl},
    {"geolocation", Key::kGeolocation},
    {"id", Key::kId},
    {"ipAddress", Key::kIpAddress},
    {"ipOrganization", Key::kIpOrganization},
    {"mediaType", Key::kMediaType},
    {"messageType", Key::kMessageType},
    {"metadata", Key::kMetadata},
    {"mktCampaign", Key::kMktCampaign},
    {"networkConnectivity", Key::kNetworkConnectivity},
    {"outcome", Key::kOutcome},
    {"outcomeAchievedEvent", Key::kOutcomeAchievedEvent},
    {"page", Key::kPage},
    {"provider", Key::kProvider},
    {"queueId", Key::kQueueId},
    {"referrer", Key::kReferrer},
    {"referrerUrl", Key::kReferrerUrl},
    {"screenName", Key::kScreenName},
    {"sdkLibrary", Key::kSdkLibrary},
    {"searchQuery", Key::kSearchQuery},
    {"segment", Key::kSegment},
    {"segmentAssignmentEvent", Key::kSegmentAssignmentEvent},
    {"selfUri", Key::kSelfUri},
    {"session", Key::kSession},
    {"sessionId", Key::kSessionId},
    {"subject", Key::kSubject},
    {"topicName", Key::kTopicName},
    {"type", Key::kType},
    {"userAgentString", Key::kUserAgentString},
    {"userId", Key::kUserId},
    {"visitReferrer", Key::kVisitReferrer},
    {"webActionEvent", Key::kWebActionEvent},
    {"webEvent", Key::kWebEvent},
    {"wrapupCode", Key::kWrapupCode},
    {"wrapupNotes", Key::kWrapupNotes},
};
static_assert(std::size(kKeyNames) == static_cast<size_t>(Key::kCount));

static_assert(
    [] {
      for (size_t i = 0; i < std::size(kKeyNames); ++i) {
        if (kKeyNames[i].key != static_cast<Key>(i)) return false;
      }
      return true;
    }(),
    "the names are in the order of Key");

constexpr NameTable<std::size(kKeyNames)> kKeyTable(std::size(kKeyNames), [](size_t i) { return kKeyNames[i].name; });

struct PayloadKey {
  Key key;
  EventKind kind;
};

// In their order of precedence.
constexpr PayloadKey kPayloads[] = {
    {Key::kWebEvent, EventKind::kWeb},
    {Key::kAppEvent, EventKind::kApp},
    {Key::kOutcomeAchievedEvent, EventKind::kOutcomeAchieved},
    {Key::kSegmentAssignmentEvent, EventKind::kSegmentAssignment},
    {Key::kWebActionEvent, EventKind::kWebAction},
};

constexpr std::string_view kConversationTopic = "v2.detail.events.conversation.";

struct DetailTopic {
  std::string_view conversation_id;
  std::string_view kind;
};

// v2.detail.events.conversation.{conversationId}.{kind}
std::optional<DetailTopic> ParseDetailTopic(std::string_view topic) {
  if (!topic.starts_with(kConversationTopic)) return std::nullopt;
  topic.remove_prefix(kConversationTopic.size());
  const size_t dot = topic.find('.');
  if (dot == std::string_view::npos || dot + 1 == topic.size()) return std::nullopt;
  return DetailTopic{topic.substr(0, dot), topic.substr(dot + 1)};
}

DetailKind ToDetailKind(std::string_view kind) {
  if (kind == "customer.start") return DetailKind::kCustomerStart;
  if (kind == "customer.end") return DetailKind::kCustomerEnd;
  if (kind == "user.start") return DetailKind::kUserStart;
  if (kind == "user.end") return DetailKind::kUserEnd;
  if (kind == "acd.end") return DetailKind::kAcdEnd;
  if (kind == "acw") return DetailKind::kAcw;
  if (kind == "wrapup") return DetailKind::kWrapup;
  return DetailKind::kOther;
}

TypeRules RulesOf(std::string_view type) {
  if (type == "app") return TypeRules::kApp;
  if (type == "conversation") return TypeRules::kConversation;
  return TypeRules::kWeb;
}

constexpr Defect kTooLarge{DeadLetterReason::kTooLarge, "the record is larger than max_event_bytes"};
constexpr Defect kBadUtf8{DeadLetterReason::kInvalidUtf8, "the record is not UTF-8"};
constexpr Defect kBadJson{DeadLetterReason::kInvalidJson, "the record is not one complete JSON object"};
constexpr Defect kNoTime{DeadLetterReason::kMissingField, "there is no createdDate (of a detail event: eventTime)"};
constexpr Defect kNoKey{DeadLetterReason::kMissingField, "there is neither a session id nor a customer id"};
constexpr Defect kBadTime{DeadLetterReason::kInvalidTimestamp,
                          "the event time is neither ISO-8601 with a zone nor epoch milliseconds from 1970 to 9999"};
constexpr Defect kFuture{DeadLetterReason::kFutureTimestamp,
                         "the event time is later than the record's own time plus max_future_skew"};

}  // namespace

std::string_view Event::Text(Node value) const {
  if (value == kNoNode) return {};
  return document->String(value).value_or(std::string_view{});
}

void EventParser::Collect(Node object, Members& members) const {
  document_.ForEachMember(object, kKeyTable, [&](size_t found, Node value) { members.nodes[found] = value; });
}

const Defect* EventParser::Parse(const Record& record) {
  if (record.value.size() > rules_.max_event_bytes) return &kTooLarge;
  switch (document_.Parse(record.value)) {
    case Document::Fault::kInvalidJson:
      return &kBadJson;
    case Document::Fault::kInvalidUtf8:
      return &kBadUtf8;
    case Document::Fault::kNone:
      break;
  }
  event_ = Event{};
  event_.document = &document_;
  // EventBridge's `detail` comes before `eventBody`, that before the event itself.
  Collect(Document::root(), event_.body);
  if (const Node detail = ObjectAt(event_.body[Key::kDetail])) {
    const Members event_bridge = std::exchange(event_.body, {});
    Collect(detail, event_.body);
    return ParseNotification(&event_bridge, record);
  }
  return ParseNotification(nullptr, record);
}

// The body so far is the object that may hold an `eventBody`; without one it is the event itself.
const Defect* EventParser::ParseNotification(const Members* event_bridge, const Record& record) {
  if (const Node body = ObjectAt(event_.body[Key::kEventBody])) {
    const Members outer = std::exchange(event_.body, {});
    Collect(body, event_.body);
    return ParseBody(outer, event_bridge, true, record);
  }
  return ParseBody(event_.body, event_bridge, event_bridge != nullptr, record);
}

// `outer` is the object around the body, or the body itself.
const Defect* EventParser::ParseBody(const Members& outer, const Members* event_bridge, bool wrapped,
                                     const Record& record) {
  ReadIds(outer, event_bridge);
  std::optional<DetailTopic> detail;
  if (wrapped) {
    std::string_view topic = event_.Text(outer[Key::kTopicName]);
    if (topic.empty()) topic = event_.Text((event_bridge != nullptr ? *event_bridge : outer)[Key::kDetailType]);
    detail = ParseDetailTopic(topic);
  }
  if (detail) {
    ReadDetail(detail->conversation_id, detail->kind);
  } else {
    ReadJourney();
  }
  return ReadTime(event_.body[detail ? Key::kEventTime : Key::kCreatedDate], record);
}

void EventParser::ReadIds(const Members& outer, const Members* event_bridge) {
  event_.id = event_.BodyText(Key::kId);
  if (event_.id.empty() && event_bridge != nullptr) event_.id = event_.Text((*event_bridge)[Key::kId]);
  if (!event_.id.empty()) return;
  const Node metadata = ObjectAt(outer[Key::kMetadata]);
  if (metadata == kNoNode) return;
  Members members;
  Collect(metadata, members);
  event_.id = event_.Text(members[Key::kCorrelationId]);
  event_.id_is_correlation = !event_.id.empty();
}

void EventParser::ReadDetail(std::string_view topic_id, std::string_view topic_kind) {
  event_.kind = EventKind::kDetail;
  event_.detail_kind = ToDetailKind(topic_kind);
  event_.name = topic_kind;
  event_.type_rules = TypeRules::kConversation;
  event_.key.type = "conversation";
  const std::string_view own_id = event_.BodyText(Key::kConversationId);
  event_.key.id = own_id.empty() ? topic_id : own_id;
}

void EventParser::ReadJourney() {
  const Members& body = event_.body;
  for (const PayloadKey& candidate : kPayloads) {
    if (const Node payload = ObjectAt(body[candidate.key])) {
      event_.kind = candidate.kind;
      Collect(payload, event_.payload);
      break;
    }
  }
  const std::string_view event_type = event_.BodyText(Key::kEventType);
  if (event_.kind == EventKind::kBare && event_type.empty() && !event_.BodyText(Key::kEventName).empty()) {
    event_.request_form = true;
    ByteBuffer projected;
    const bool app = body[Key::kApp] != kNoNode && Project(document_, body[Key::kApp], kAppModel, projected);
    event_.kind = app || !event_.BodyText(Key::kScreenName).empty() ? EventKind::kApp : EventKind::kWeb;
    event_.payload = body;
  }
  if (event_.IsWeb() || event_.IsApp()) event_.name = event_.PayloadText(Key::kEventName);
  if (event_.name.empty()) event_.name = event_type;

  event_.customer_id = event_.BodyText(Key::kCustomerId);
  if (!event_.customer_id.empty()) {
    event_.customer_id_type = event_.BodyText(Key::kCustomerIdType);
  } else if (event_.request_form && !event_.BodyText(Key::kCustomerCookieId).empty()) {
    event_.customer_id = event_.BodyText(Key::kCustomerCookieId);
    event_.customer_id_type = "cookie";
  }
  std::string_view session_id;
  std::string_view type;
  if (const Node session = ObjectAt(body[Key::kSession])) {
    Members members;
    Collect(session, members);
    session_id = event_.Text(members[Key::kId]);
    type = event_.Text(members[Key::kType]);
    event_.session_self_uri = event_.Text(members[Key::kSelfUri]);
  }
  if (type.empty()) type = event_.IsApp() ? "app" : "web";
  event_.type_rules = RulesOf(type);
  event_.key = session_id.empty() ? SessionKey{true, event_.customer_id_type, event_.customer_id, type}
                                  : SessionKey{false, {}, session_id, type};
}

// A missing field comes before a bad time, that before a future one.
const Defect* EventParser::ReadTime(Node time, const Record& record) {
  const bool missing = time == kNoNode || document_.IsNull(time) ||
                       (document_.IsString(time) && document_.String(time) == std::string_view{});
  if (missing) return &kNoTime;
  if (event_.key.id.empty()) return &kNoKey;
  std::optional<EventTime> parsed;
  if (const auto text = document_.String(time)) {
    parsed = ParseTimestamp(*text);
  } else if (const auto millis = document_.Integer(time)) {
    if (*millis >= 0 && EventTime{*millis} <= kLatestEventTime) parsed = EventTime{*millis};
  }
  if (!parsed) return &kBadTime;
  event_.time = *parsed;
  if (event_.time > record.timestamp + rules_.max_future_skew) return &kFuture;
  return nullptr;
}

}  // namespace tidemark
