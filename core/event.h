// An event: what a record says, taken out of its JSON but not yet applied to a session.
//
// Three envelopes and the flat request forms come down to one Event (spec section 1): its key, time, id and name, and
// for every JSON key that any rule reads, where its value is. Nothing is copied: an Event is views into the record and
// nodes of its Document, valid until the parser takes the next record.
//
// Which keys exist is the table in event.cc; which of them feed which session field are those in event_rules.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/document.h"
#include "core/identity.h"
#include "core/partition.h"
#include "core/rules.h"
#include "core/types.h"

namespace tidemark {

// Every JSON key of an event, of a payload, or of an envelope around one, that a rule reads.
enum class Key : uint8_t {
  kAcdOutcome,
  kAddressFrom,
  kAni,
  kApp,
  kAppEvent,
  kAttributeLists,
  kAttributes,
  kAuthenticated,
  kBrowser,
  kConversationExternalContactIds,
  kConversationId,
  kCorrelationId,
  kCreatedDate,
  kCustomerCookieId,
  kCustomerId,
  kCustomerIdType,
  kDetail,
  kDetailType,
  kDevice,
  kDirection,
  kDisconnectType,
  kEventBody,
  kEventName,
  kEventTime,
  kEventType,
  kExternalContact,
  kExternalContactId,
  kExternalId,
  kExternalUrl,
  kGeolocation,
  kId,
  kIpAddress,
  kIpOrganization,
  kMediaType,
  kMessageType,
  kMetadata,
  kMktCampaign,
  kNetworkConnectivity,
  kOutcome,
  kOutcomeAchievedEvent,
  kPage,
  kProvider,
  kQueueId,
  kReferrer,
  kReferrerUrl,
  kScreenName,
  kSdkLibrary,
  kSearchQuery,
  kSegment,
  kSegmentAssignmentEvent,
  kSelfUri,
  kSession,
  kSessionId,
  kSubject,
  kTopicName,
  kType,
  kUserAgentString,
  kUserId,
  kVisitReferrer,
  kWebActionEvent,
  kWebEvent,
  kWrapupCode,
  kWrapupNotes,
  kCount
};

// Where the values of one object's known keys are; of a repeated key the last.
struct Members {
  std::array<Node, static_cast<size_t>(Key::kCount) + 1> nodes{};  // by key plus one; the first is for other keys

  Node operator[](Key key) const { return nodes[static_cast<size_t>(key) + 1]; }
};

// What kind of event it is; the journey payloads in their order of precedence.
enum class EventKind : uint8_t { kWeb, kApp, kOutcomeAchieved, kSegmentAssignment, kWebAction, kBare, kDetail };

// A detail event's kind, as far as a rule asks for it.
enum class DetailKind : uint8_t { kOther, kCustomerStart, kCustomerEnd, kUserStart, kUserEnd, kAcdEnd, kAcw, kWrapup };

struct Event {
  SessionKey key;
  TypeRules type_rules = TypeRules::kWeb;
  EventTime time;
  std::string_view id;  // empty: none
  bool id_is_correlation = false;
  std::string_view name;
  EventKind kind = EventKind::kBare;
  DetailKind detail_kind = DetailKind::kOther;
  bool request_form = false;
  std::string_view customer_id;  // empty: none
  std::string_view customer_id_type;
  std::string_view session_self_uri;
  Members body;     // the event's own members
  Members payload;  // those of the payload that counts; the body again for request forms
  const Document* document = nullptr;

  bool IsWeb() const { return kind == EventKind::kWeb; }
  bool IsApp() const { return kind == EventKind::kApp; }
  // A string that is not empty: "an empty string counts as missing where a rule reads it".
  std::string_view BodyText(Key key_name) const { return Text(body[key_name]); }
  std::string_view PayloadText(Key key_name) const { return Text(payload[key_name]); }
  std::string_view Text(Node value) const;
};

// What is wrong with a record that is no event.
struct Defect {
  DeadLetterReason reason;
  std::string_view detail;  // static
};

class EventParser {
 public:
  // `rules` must outlive the parser.
  explicit EventParser(const Rules& rules) : rules_(rules) {}

  // Reads a record as an event. The result is valid until the next call.
  const Defect* Parse(const Record& record);

  // The event of the last call that returned no defect.
  const Event& event() const { return event_; }
  const Document& document() const { return document_; }

 private:
  const Defect* ParseNotification(const Members* event_bridge, const Record& record);
  const Defect* ParseBody(const Members& outer, const Members* event_bridge, bool wrapped, const Record& record);
  void ReadIds(const Members& outer, const Members* event_bridge);
  void ReadJourney();
  void ReadDetail(std::string_view topic_id, std::string_view topic_kind);
  const Defect* ReadTime(Node time, const Record& record);
  void Collect(Node object, Members& members) const;
  Node ObjectAt(Node value) const { return value != kNoNode && document_.IsObject(value) ? value : kNoNode; }

  const Rules& rules_;
  Document document_;
  Event event_;
};

}  // namespace tidemark
