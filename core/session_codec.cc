#include "core/session_codec.h"

#include "core/timestamp.h"

namespace tidemark {
namespace {

// Flags of a session, and of a value's slot.
constexpr uint8_t kTombstone = 1;
constexpr uint8_t kAuthenticated = 2;
constexpr uint8_t kConversation = 4;
constexpr uint8_t kCustomerHasLeft = 8;
constexpr uint8_t kHasEnd = 16;
constexpr uint8_t kHasCustomerEnd = 32;
constexpr uint8_t kTimeless = 0x80;

void EncodeValues(const FieldStore& fields, Packer& pack) {
  const auto slots = static_cast<uint8_t>(Slot::kCount);
  uint8_t count = 0;
  for (uint8_t slot = 0; slot < slots; ++slot)
    if (fields.Has(static_cast<Slot>(slot))) ++count;
  pack.Byte(count);
  for (uint8_t i = 0; i < slots; ++i) {
    const auto slot = static_cast<Slot>(i);
    if (!fields.Has(slot)) continue;
    const EventTime time = fields.TimeOf(slot);
    pack.Byte(time == kBeforeAllTime ? i | kTimeless : i);
    if (time != kBeforeAllTime) pack.Time(time);
    pack.Text(fields.Get(slot));
  }
}

bool IsEventTime(EventTime time) { return time >= EventTime{0} && time <= kLatestEventTime; }

// Of a value that came out of a snapshot, its own bytes are the source: no event has the same.
void KeepValue(Slot slot, EventTime time, std::string_view value, CommonValues& common, FieldStore& fields) {
  if (!IsCommon(slot)) return fields.Set(slot, time, value);
  const CommonValues::Source source(slot, value);
  CommonValue* known = common.Find(source);
  if (known == nullptr) known = common.Add(source, value);
  if (known == nullptr) return fields.Set(slot, time, value);
  fields.Refer(slot, time, *known);
}

// Slots come in their order, each once.
bool DecodeValues(Unpacker& in, CommonValues& common, FieldStore& fields) {
  const uint8_t count = in.Byte();
  int last = -1;
  for (uint8_t i = 0; i < count; ++i) {
    const uint8_t tag = in.Byte();
    const uint8_t slot = tag & ~kTimeless;
    const EventTime time = (tag & kTimeless) != 0 ? kBeforeAllTime : in.Time();
    const std::string_view value = in.Text();
    if (!in.ok() || slot <= last || slot >= static_cast<uint8_t>(Slot::kCount)) return false;
    if (time != kBeforeAllTime && !IsEventTime(time)) return false;
    KeepValue(static_cast<Slot>(slot), time, value, common, fields);
    last = slot;
  }
  return true;
}

bool IsPackedKey(std::string_view packed) {
  Unpacker in(packed);
  in.Byte();
  in.Text();
  in.Text();
  in.Text();
  return in.ok() && in.AtEnd();
}

bool IsSound(const Session& session) {
  return IsEventTime(session.first) && IsEventTime(session.last) && session.first <= session.last &&
         (!session.has_end() || IsEventTime(session.end)) && IsPackedKey(session.packed_key());
}

}  // namespace

uint8_t SessionFlags(const Session& session) {
  uint8_t flags = session.state == Session::State::kTombstone ? kTombstone : 0;
  if (session.authenticated) flags |= kAuthenticated;
  if (session.is_conversation) flags |= kConversation;
  if (session.customer_has_left) flags |= kCustomerHasLeft;
  if (session.has_end()) flags |= kHasEnd;
  if (session.customer_ended != kBeforeAllTime) flags |= kHasCustomerEnd;
  return flags;
}

void EncodeSession(const Session& session, std::string& out) {
  Packer pack(out);
  const uint8_t flags = SessionFlags(session);
  pack.Byte(flags);
  pack.Byte(static_cast<uint8_t>(session.type_rules));
  pack.Byte(static_cast<uint8_t>(session.end_reason));
  pack.Time(session.first);
  pack.Time(session.last);
  if ((flags & kHasEnd) != 0) pack.Time(session.end);
  if ((flags & kHasCustomerEnd) != 0) pack.Time(session.customer_ended);
  for (const uint32_t count :
       {session.events, session.pageviews, session.screenviews, session.duplicates, session.out_of_order}) {
    pack.Varint(count);
  }
  pack.Varint(static_cast<uint64_t>(session.first_offset.value));
  pack.Varint(static_cast<uint64_t>(session.last_offset.value));
  EncodeValues(session.fields, pack);
}

bool DecodeSession(Unpacker& in, CommonValues& common, Session& session) {
  const uint8_t flags = in.Byte();
  const uint8_t type_rules = in.Byte();
  const uint8_t end_reason = in.Byte();
  if (!in.ok() || type_rules >= kTypeRulesCount || end_reason >= kCloseReasonCount) return false;
  session.state = (flags & kTombstone) != 0 ? Session::State::kTombstone : Session::State::kOpen;
  session.authenticated = (flags & kAuthenticated) != 0;
  session.is_conversation = (flags & kConversation) != 0;
  session.customer_has_left = (flags & kCustomerHasLeft) != 0;
  session.type_rules = static_cast<TypeRules>(type_rules);
  session.end_reason = static_cast<CloseReason>(end_reason);
  session.first = in.Time();
  session.last = in.Time();
  if ((flags & kHasEnd) != 0) session.end = in.Time();
  if ((flags & kHasCustomerEnd) != 0) session.customer_ended = in.Time();
  for (uint32_t* count :
       {&session.events, &session.pageviews, &session.screenviews, &session.duplicates, &session.out_of_order}) {
    *count = static_cast<uint32_t>(in.Varint());
  }
  session.first_offset = {static_cast<int64_t>(in.Varint())};
  session.last_offset = {static_cast<int64_t>(in.Varint())};
  return DecodeValues(in, common, session.fields) && IsSound(session);
}

}  // namespace tidemark
