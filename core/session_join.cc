// How one event becomes part of a session: the rules of spec section 2 that are rows of the dialect (event_rules.cc)
// first, then those that need more than a row.
#include <algorithm>
#include <optional>

#include "core/collections.h"
#include "core/join_collections.h"
#include "core/packed.h"
#include "core/quick_hash.h"
#include "core/session.h"

namespace tidemark {
namespace {

constexpr std::string_view kExternalContactUri = "/api/v2/externalcontacts/contacts/";

// Whether a value of time `time` replaces the one in the slot. The event is later in the partition than what is there.
bool Replaces(const Session& session, Slot slot, Keep keep, EventTime time) {
  if (!session.fields.Has(slot)) return true;
  const EventTime ours = session.fields.TimeOf(slot);
  return keep == Keep::kNewest ? time >= ours : time < ours;
}

// What became of a value that an event brings.
enum class Fate : uint8_t { kKept, kNothing, kOutdated };  // nothing: it counts as absent

Fate KeepText(Slot slot, Keep keep, std::string_view text, EventTime time, Session& session) {
  if (text.empty()) return Fate::kNothing;
  if (!Replaces(session, slot, keep, time)) return Fate::kOutdated;
  if (SameText(session.fields.Get(slot), text)) {
    session.fields.SetTime(slot, time);
  } else {
    session.fields.Set(slot, time, text);
  }
  return Fate::kKept;
}

// A value that many sessions have: the one that was made of the same bytes before, else `make()`, which returns nothing
// where it counts as absent.
template <typename Make>
Fate KeepCommon(const SlotRule& rule, std::string_view bytes, EventTime time, CommonValues& common, Session& session,
                Make make) {
  if (!Replaces(session, rule.slot, rule.keep, time)) return Fate::kOutdated;
  const CommonValues::Source source(rule.slot, bytes);
  CommonValue* known = common.Find(source);
  if (known == nullptr) {
    const std::string_view made = make();
    if (made.empty()) return Fate::kNothing;
    known = common.Add(source, made);
    if (known == nullptr) {
      session.fields.Set(rule.slot, time, made);
      return Fate::kKept;
    }
  }
  session.fields.Refer(rule.slot, time, *known);
  return Fate::kKept;
}

Fate KeepObject(const SlotRule& rule, Node value, const Event& event, const JoinContext& context, Session& session) {
  const auto project = [&] {
    Project(*event.document, value, *rule.object, context.packed);
    return context.packed.view();
  };
  if (IsCommon(rule.slot)) {
    return KeepCommon(rule, event.document->Raw(value), event.time, context.common, session, project);
  }
  if (!Replaces(session, rule.slot, rule.keep, event.time)) return Fate::kOutdated;
  const std::string_view projected = project();
  if (projected.empty()) return Fate::kNothing;
  session.fields.Set(rule.slot, event.time, projected);
  return Fate::kKept;
}

Fate KeepValue(const SlotRule& rule, Node value, const Event& event, const JoinContext& context, Session& session) {
  if (rule.shape == Shape::kObject) return KeepObject(rule, value, event, context, session);
  std::string_view text = event.Text(value);
  if (rule.shape == Shape::kEnum && !text.empty()) text = rule.spellings->SessionSpelling(text);
  if (IsCommon(rule.slot)) {
    return KeepCommon(rule, text, event.time, context.common, session, [text] { return text; });
  }
  return KeepText(rule.slot, rule.keep, text, event.time, session);
}

Node ValueOf(const SlotRule& rule, const Event& event) {
  return (rule.part == Part::kBody ? event.body : event.payload)[rule.key];
}

// Of the bytes of all values that the rows read. Members that follow each other as the rows do, as they mostly are
// written, are hashed in one go: the names between them are the same where their bytes are.
uint64_t HashOf(std::span<const SlotRule> rules, const Event& event) {
  uint64_t hash = 0;
  for (size_t i = 0; i < rules.size();) {
    const SlotRule& rule = rules[i++];
    const Node first = ValueOf(rule, event);
    if (first == kNoNode) continue;
    Node last = first;
    for (; i < rules.size() && event.document->Follows(last, ValueOf(rules[i], event)); ++i) {
      last = ValueOf(rules[i], event);
    }
    const uint64_t run = QuickHash(event.document->Raw(first, last));
    hash = MultiplyFold(hash ^ run, 0x9E3779B97F4A7C15 + static_cast<uint64_t>(rule.slot));
  }
  return hash;
}

// Most events bring again what the newest one before them brought, byte for byte: then nothing is looked at but the
// hash. Otherwise each value is, and where none was outdated, they are what the next event is compared with.
void ApplySteadyRules(std::span<const SlotRule> rules, const Event& event, const JoinContext& context,
                      Session& session) {
  const uint64_t hash = HashOf(rules, event);
  if (session.fields.Renew(hash, event.time)) return;
  uint64_t kept = 0;
  bool outdated = false;
  for (const SlotRule& rule : rules) {
    const Node value = ValueOf(rule, event);
    if (value == kNoNode) continue;
    const Fate fate = KeepValue(rule, value, event, context, session);
    if (fate == Fate::kKept) kept |= FieldStore::Bit(rule.slot);
    outdated |= fate == Fate::kOutdated;
  }
  if (kept != 0 && !outdated) session.fields.Share(kept, event.time, hash);
}

void ApplyRules(std::span<const SlotRule> rules, const Event& event, const JoinContext& context, Session& session) {
  for (const SlotRule& rule : rules) {
    const Node value = ValueOf(rule, event);
    if (value != kNoNode) KeepValue(rule, value, event, context, session);
  }
}

// An outcome or a segment: {id, selfUri}.
void JoinAchievement(Slot slot, Key key, const Event& event, ByteBuffer& packed, Session& session) {
  const Node object = event.payload[key];
  if (object == kNoNode || !event.document->IsObject(object)) return;
  Node id = kNoNode;
  Node self_uri = kNoNode;
  event.document->ForEachMember(object, [&](std::string_view name, Node value) {
    if (name == "id") id = value;
    if (name == "selfUri") self_uri = value;
  });
  if (event.Text(id).empty()) return;
  const Collected<Achievement> one{{event.Text(id), event.time, event.time, event.Text(self_uri)}};
  Fold(slot, one, packed, session, UnpackAchievements, MergeAchievements, PackAchievements);
}

void KeepCustomer(std::string_view id, std::string_view type, EventTime time, ByteBuffer& packed, Session& session) {
  if (id.empty() || !Replaces(session, Slot::kCustomer, Keep::kNewest, time)) return;
  packed.clear();
  BytePacker pack(packed);
  pack.Text(id);
  pack.Text(type);
  session.fields.Set(Slot::kCustomer, time, packed.view());
}

void JoinJourney(const Event& event, const JoinContext& context, Session& session) {
  const Rules& rules = context.rules;
  ByteBuffer& packed = context.packed;
  KeepText(Slot::kSelfUri, Keep::kNewest, event.session_self_uri, event.time, session);
  if (!event.key.by_customer) KeepCustomer(event.customer_id, event.customer_id_type, event.time, packed, session);
  std::string_view external_id = event.BodyText(Key::kExternalId);
  if (event.IsWeb() || event.IsApp()) {
    if (external_id.empty()) external_id = event.PayloadText(Key::kExternalId);
    JoinAttributes(event, context, session);
    const std::string_view query = event.PayloadText(Key::kSearchQuery);
    if (!query.empty() && !ContainsTerm(session.fields.Get(Slot::kSearchTerms), {event.time, query})) {
      const Collected<Term> one{{event.time, query}};
      Fold(Slot::kSearchTerms, one, packed, session, UnpackTerms, MergeTerms, PackTerms);
    }
    const Node authenticated = event.payload[Key::kAuthenticated];
    if (authenticated != kNoNode && event.document->Bool(authenticated) == true) session.authenticated = true;
    if (event.IsWeb() && IsNamed(event.name, rules.pageview_events)) ++session.pageviews;
    if (event.IsApp() && IsNamed(event.name, rules.screenview_events)) ++session.screenviews;
  }
  KeepText(Slot::kExternalId, Keep::kNewest, external_id, event.time, session);
  if (event.kind == EventKind::kOutcomeAchieved)
    JoinAchievement(Slot::kOutcomes, Key::kOutcome, event, packed, session);
  if (event.kind == EventKind::kSegmentAssignment) {
    JoinAchievement(Slot::kSegments, Key::kSegment, event, packed, session);
  }
}

// `referrerUrl` of a request form becomes {"url"} where there is no `referrer` object.
void JoinReferrerUrl(const Event& event, ByteBuffer& packed, Session& session) {
  const std::string_view url = event.BodyText(Key::kReferrerUrl);
  if (!event.request_form || url.empty() || !Replaces(session, Slot::kReferrer, Keep::kOldest, event.time)) return;
  const Node referrer = event.body[Key::kReferrer];
  if (referrer != kNoNode && Project(*event.document, referrer, kReferrerModel, packed)) return;
  packed.clear();
  PackTextField(kReferrerModel, "url", url, packed);
  session.fields.Set(Slot::kReferrer, event.time, packed.view());
}

void JoinChannel(const Event& event, std::string_view media_type, ByteBuffer& packed, Session& session) {
  if (media_type.empty()) return;
  const std::string_view message_type = event.BodyText(Key::kMessageType);
  const Collected<Channel> one{{event.time, media_type,
                                message_type.empty() ? message_type : kMessageTypeEnum.SessionSpelling(message_type),
                                event.BodyText(Key::kProvider)}};
  Fold(Slot::kChannels, one, packed, session, UnpackChannels, MergeChannels, PackChannels);
}

void JoinLeg(const Event& event, ByteBuffer& packed, Session& session) {
  const bool starts = event.detail_kind == DetailKind::kCustomerStart;
  const Collected<Leg> one{
      {event.BodyText(Key::kSessionId), starts ? event.time : kBeforeAllTime, starts ? kBeforeAllTime : event.time}};
  Fold(Slot::kLegs, one, packed, session, UnpackLegs, MergeLegs, PackLegs);
  UpdateCustomerLegs(session);
}

// externalContactId, else the first of conversationExternalContactIds.
void JoinContact(const Event& event, ByteBuffer& packed, Session& session) {
  std::string_view id = event.BodyText(Key::kExternalContactId);
  const Node list = event.body[Key::kConversationExternalContactIds];
  if (id.empty() && list != kNoNode && event.document->IsArray(list)) {
    bool is_first = true;
    event.document->ForEachElement(list, [&](Node element) {
      if (is_first) id = event.Text(element);
      is_first = false;
    });
  }
  if (id.empty() || !Replaces(session, Slot::kExternalContact, Keep::kNewest, event.time)) return;
  packed.clear();
  PackTextField(kEntityRefModel, "id", id, packed);
  PackTextField(kEntityRefModel, "selfUri", std::string(kExternalContactUri).append(id), packed);
  session.fields.Set(Slot::kExternalContact, event.time, packed.view());
}

void JoinCustomerEvent(const Event& event, std::string_view media_type, ByteBuffer& packed, Session& session) {
  JoinLeg(event, packed, session);
  JoinContact(event, packed, session);
  if (event.detail_kind != DetailKind::kCustomerStart) return;
  if (media_type == "Voice" || media_type == "Callback") {
    KeepCustomer(event.BodyText(Key::kAni), "phone", event.time, packed, session);
  } else if (media_type == "Email") {
    KeepCustomer(event.BodyText(Key::kAddressFrom), "email", event.time, packed, session);
  }
}

void JoinDisposition(const Event& event, ByteBuffer& packed, Session& session) {
  const std::string_view code = event.BodyText(Key::kWrapupCode);
  if (code.empty() || !Replaces(session, Slot::kDisposition, Keep::kNewest, event.time)) return;
  packed.clear();
  BytePacker pack(packed);
  pack.Text(code);
  pack.Text(event.BodyText(Key::kWrapupNotes));
  pack.Text(event.BodyText(Key::kUserId));
  session.fields.Set(Slot::kDisposition, event.time, packed.view());
}

void KeepEnum(Slot slot, Key key, const EnumModel& spellings, const Event& event, Session& session) {
  const std::string_view text = event.BodyText(key);
  if (!text.empty()) KeepText(slot, Keep::kNewest, spellings.SessionSpelling(text), event.time, session);
}

void JoinDetail(const Event& event, ByteBuffer& packed, Session& session) {
  session.is_conversation = true;
  const std::string_view media = event.BodyText(Key::kMediaType);
  const std::string_view media_type = media.empty() ? media : kChannelTypeEnum.SessionSpelling(media);
  JoinChannel(event, media_type, packed, session);
  switch (event.detail_kind) {
    case DetailKind::kCustomerStart:
    case DetailKind::kCustomerEnd:
      JoinCustomerEvent(event, media_type, packed, session);
      break;
    case DetailKind::kUserStart:
      KeepText(Slot::kUser, Keep::kNewest, event.BodyText(Key::kUserId), event.time, session);
      break;
    case DetailKind::kUserEnd:
      KeepEnum(Slot::kDisconnectType, Key::kDisconnectType, kDisconnectTypeEnum, event, session);
      break;
    case DetailKind::kAcdEnd:
      KeepEnum(Slot::kAcdOutcome, Key::kAcdOutcome, kAcdOutcomeEnum, event, session);
      break;
    case DetailKind::kAcw:
    case DetailKind::kWrapup:
      JoinDisposition(event, packed, session);
      break;
    case DetailKind::kOther:
      break;
  }
}

void RememberId(const JoinContext& context, Session& session) {
  if (!context.event_id) return;
  const std::string_view ids = session.fields.Get(Slot::kEventIds);
  const std::string_view id = PackedEventId(*context.event_id);
  const uint32_t horizon = context.rules.dedup_horizon;
  if (IsAppended(ids, *context.event_id, horizon)) return session.fields.Append(Slot::kEventIds, id);
  context.packed.clear();
  if (IsNewest(ids, *context.event_id, horizon)) {  // the oldest goes
    context.packed.append(ids.substr(id.size()));
    context.packed.append(id);
  } else {
    MergeEventIds(ids, id, horizon, context.packed);
  }
  session.fields.Set(Slot::kEventIds, kBeforeAllTime, context.packed.view());
}

// REQUIRES: the event is the session's newest.
void SetLastEvent(const Event& event, const JoinContext& context, Session& session) {
  context.packed.clear();
  BytePacker pack(context.packed);
  if (event.id.empty()) {
    pack.Text(std::to_string(context.partition.value) + ":" + std::to_string(context.offset.value));
  } else {
    pack.Text(event.id);
  }
  pack.Text(event.name);
  session.fields.Set(Slot::kLastEvent, event.time, context.packed.view());
}

}  // namespace

std::optional<EventId> IdOf(const Event& event) {
  if (event.id.empty()) return std::nullopt;
  return event.id_is_correlation ? MakeCorrelatedEventId(event.id, event.name, event.time)
                                 : MakeEventId(event.id, event.time);
}

bool IsDuplicate(const std::optional<EventId>& id, const Session& session) {
  return id && ContainsEventId(session.fields.Get(Slot::kEventIds), *id);
}

void UpdateCustomerLegs(Session& session) {
  size_t started = 0;
  size_t ended = 0;
  for (const Leg& leg : UnpackLegs(session.fields.Get(Slot::kLegs))) {
    session.customer_ended = std::max(session.customer_ended, leg.ended);
    if (leg.started == kBeforeAllTime) continue;
    ++started;
    if (leg.ended >= leg.started) ++ended;
  }
  session.customer_has_left = started > 0 && started == ended;
}

void OpenSession(const Event& event, const JoinContext& context, Session& session) {
  session.state = Session::State::kOpen;
  session.type_rules = event.type_rules;
  session.first = event.time;
  session.last = event.time;
  session.first_offset = context.offset;
  session.fields.Reserve(static_cast<uint32_t>(event.document->size() * 3 / 8));  // about what it keeps for itself
  context.packed.clear();
  PackKey(event.key, context.packed);
  session.fields.Set(Slot::kKey, kBeforeAllTime, context.packed.view());
  JoinSession(event, context, session);
}

// What hardly ever changes comes first, so that it lies at the beginning of a session's block, and what grows with
// every event last, where there is little behind it to move.
void JoinSession(const Event& event, const JoinContext& context, Session& session) {
  if (event.time < session.last) ++session.out_of_order;
  session.first = std::min(session.first, event.time);
  session.last = std::max(session.last, event.time);
  session.last_offset = context.offset;
  ++session.events;
  ApplySteadyRules(SteadyRules(event.kind), event, context, session);
  ApplyRules(OtherRules(event.kind), event, context, session);
  if (event.kind == EventKind::kDetail) {
    JoinDetail(event, context.packed, session);
  } else {
    JoinReferrerUrl(event, context.packed, session);
    JoinJourney(event, context, session);
  }
  if (event.time == session.last) SetLastEvent(event, context, session);
  RememberId(context, session);
}

}  // namespace tidemark
