#include "ingest/traffic_writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <span>

#include "core/json_text.h"
#include "core/timestamp.h"

namespace tidemark {
namespace {

// Different facts of a visit come from different bits of its seed.
constexpr uint64_t Bits(uint64_t seed, int shift, uint64_t count) { return (seed >> shift) % count; }

void AppendHex(uint64_t value, int digits, std::string& out) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15];
}

// A version 4 UUID from two words.
void AppendUuid(uint64_t high, uint64_t low, std::string& out) {
  AppendHex(high >> 32, 8, out);
  out += '-';
  AppendHex(high >> 16 & 0xFFFF, 4, out);
  out += "-4";
  AppendHex(high & 0xFFF, 3, out);
  out += "-8";
  AppendHex(low >> 48 & 0xFFF, 3, out);
  out += '-';
  AppendHex(low & 0xFFFF'FFFF'FFFF, 12, out);
}

void AppendUuidOf(uint64_t seed, std::string& out) { AppendUuid(MixBits(seed + 1), MixBits(seed + 2), out); }

void AppendNewUuid(Random& random, std::string& out) {
  const uint64_t high = random.Next();
  AppendUuid(high, random.Next(), out);
}

void AppendDate(EventTime time, std::string& out) {
  out += '"';
  AppendTimestamp(time, out);
  out += '"';
}

// `{"id":…,"correlationId":…,"customerId":…,…,"eventType":…,"createdDate":…`: what every journey event begins with.
void AppendEnvelopeStart(const Visit& visit, std::string_view event_type, EventTime time, bool small, Random& random,
                         std::string& out) {
  out += R"({"id":")";
  AppendNewUuid(random, out);
  if (!small) {
    out += R"(","correlationId":")";
    AppendNewUuid(random, out);
  }
  out += R"(","customerId":")";
  AppendUuidOf(visit.visitor_seed, out);
  out += R"(","customerIdType":"cookie")";
  if (HasSessionId(visit)) {
    out += R"(,"session":{"id":")";
    AppendUuidOf(visit.seed, out);
    if (!small) {
      out += R"(","selfUri":"/api/v2/journey/sessions/)";
      AppendUuidOf(visit.seed, out);
    }
    out += visit.kind == VisitKind::kApp ? R"(","type":"app"})" : R"(","type":"web"})";
  }
  out += R"(,"eventType":"com.genesys.journey.)";
  out += event_type;
  out += R"(","createdDate":)";
  AppendDate(time, out);
}

void AppendExternalContact(const Visit& visit, std::string& out) {
  if (Bits(visit.visitor_seed, 20, 4) != 0) return;
  out += R"(,"externalContact":{"id":")";
  AppendUuidOf(visit.visitor_seed + 7, out);
  out += R"(","selfUri":"/api/v2/externalcontacts/contacts/)";
  AppendUuidOf(visit.visitor_seed + 7, out);
  out += R"("})";
}

// The pages of a visit: a walk that its seed decides.
size_t PageOf(const Visit& visit, size_t pages) { return MixBits(visit.seed + 100 + visit.step) % pages; }

void AppendAttributes(const Visit& visit, Random& random, std::string& out) {
  out += R"(,"attributes":{"loyaltyTier":{"dataType":"STRING","value":")";
  out += std::array{"none", "bronze", "silver", "gold"}[Bits(visit.visitor_seed, 30, 4)];
  out += R"("},"cartValue":{"dataType":"NUMBER","value":")";
  AppendInteger(random.Below(400), out);
  out += R"(.50"},"itemsInCart":{"dataType":"INTEGER","value":")";
  AppendInteger(random.Below(9), out);
  out += R"("}})";
}

bool IsLast(const Visit& visit) { return visit.step + 1 == visit.steps; }
bool EndsWithEvent(const Visit& visit) { return Bits(visit.seed, 40, 8) == 0; }

// A step of a conversation: its kind, whose leg it is (c: customer, d: the customer's second leg, f: flow, q: queue,
// u: user), and the members it has besides.
struct ConversationStep {
  std::string_view kind;
  char leg;
  std::string_view members;
};

constexpr std::string_view kQueue = R"(,"queueId":"7f3c1f0e-57b2-4d0e-9c55-2a5f3f6f0b11")";
constexpr std::string_view kUser =
    R"(,"queueId":"7f3c1f0e-57b2-4d0e-9c55-2a5f3f6f0b11","userId":"0b0d5f0c-1c1e-4e0c-8a58-6c1d5c1a9e42")";

constexpr ConversationStep kAnswered[] = {
    {"customer.start", 'c', ""},
    {"flow.start", 'f', R"(,"flowId":"3d6f","flowName":"Main menu","flowType":"INBOUNDCALL")"},
    {"flow.end", 'f', R"(,"flowId":"3d6f","exitReason":"TRANSFER")"},
    {"acd.start", 'q', kQueue},
    {"acd.end", 'q', R"(,"queueId":"7f3c1f0e-57b2-4d0e-9c55-2a5f3f6f0b11","acdOutcome":"ANSWERED")"},
    {"user.start", 'u', kUser},
    {"attributes", 'c', R"(,"attributes":{"reason":"returns"})"},
    {"user.end", 'u', R"(,"userId":"0b0d5f0c-1c1e-4e0c-8a58-6c1d5c1a9e42","disconnectType":"PEER")"},
    {"customer.end", 'c', R"(,"disconnectType":"CLIENT")"},
    {"wrapup", 'u',
     R"(,"userId":"0b0d5f0c-1c1e-4e0c-8a58-6c1d5c1a9e42","wrapupCode":"resolved","wrapupNotes":"refund sent")"},
};
constexpr ConversationStep kTwoLegs[] = {
    {"customer.start", 'c', ""},
    {"acd.start", 'q', kQueue},
    {"acd.end", 'q', R"(,"queueId":"7f3c1f0e-57b2-4d0e-9c55-2a5f3f6f0b11","acdOutcome":"ANSWERED")"},
    {"user.start", 'u', kUser},
    {"customer.end", 'c', R"(,"disconnectType":"TRANSPORT_FAILURE")"},
    {"customer.start", 'd', ""},
    {"user.end", 'u', R"(,"userId":"0b0d5f0c-1c1e-4e0c-8a58-6c1d5c1a9e42","disconnectType":"CONSULT_TRANSFER")"},
    {"customer.end", 'd', R"(,"disconnectType":"CLIENT")"},
    {"acw", 'u', R"(,"userId":"0b0d5f0c-1c1e-4e0c-8a58-6c1d5c1a9e42","wrapupCode":"callback")"},
};
constexpr ConversationStep kAbandoned[] = {
    {"customer.start", 'c', ""},
    {"flow.start", 'f', R"(,"flowId":"3d6f","flowName":"Main menu","flowType":"INBOUNDCALL")"},
    {"flow.end", 'f', R"(,"flowId":"3d6f","exitReason":"TRANSFER")"},
    {"acd.start", 'q', kQueue},
    {"acd.end", 'q', R"(,"queueId":"7f3c1f0e-57b2-4d0e-9c55-2a5f3f6f0b11","acdOutcome":"ABANDON")"},
    {"customer.end", 'c', R"(,"disconnectType":"CLIENT")"},
};

std::span<const ConversationStep> ConversationSteps(const Visit& visit) {
  const uint64_t dice = Bits(visit.seed, 44, 5);
  if (dice == 0) return kAbandoned;
  if (dice == 1) return kTwoLegs;
  return kAnswered;
}

constexpr std::string_view kMedia[] = {
    R"("mediaType":"VOICE","provider":"Edge","direction":"INBOUND")",
    R"("mediaType":"MESSAGE","messageType":"WEBMESSAGING","provider":"PureCloud Messaging","direction":"INBOUND")",
    R"("mediaType":"MESSAGE","messageType":"WHATSAPP","provider":"PureCloud Messaging","direction":"INBOUND")",
    R"("mediaType":"EMAIL","provider":"PureCloud Email","direction":"INBOUND","subject":"Where is my order?")",
    R"("mediaType":"CALLBACK","provider":"Edge","direction":"OUTBOUND")",
};

// Who the customer is, as a `customer.start` says it.
void AppendCustomer(const Visit& visit, std::string& out) {
  const uint64_t media = Bits(visit.seed, 48, std::size(kMedia));
  if (media == 0 || media == 4) {
    fmt::format_to(std::back_inserter(out), R"(,"ani":"tel:+4930{:08}")", visit.visitor_seed % 100'000'000);
  } else if (media == 3) {
    fmt::format_to(std::back_inserter(out), R"(,"addressFrom":"customer-{}@mail.example.org")",
                   visit.visitor_seed % 1'000'000);
  }
  out += R"(,"externalContactId":")";
  AppendUuidOf(visit.visitor_seed + 7, out);
  out += '"';
}

// The detail event's own object.
void AppendDetailBody(const Visit& visit, const ConversationStep& step, EventTime time, std::string& out) {
  out += R"({"eventTime":)";
  AppendInteger(time.ms, out);
  out += R"(,"conversationId":")";
  AppendUuidOf(visit.seed, out);
  out += R"(","participantId":")";
  AppendUuidOf(visit.seed + 20 + static_cast<uint64_t>(step.leg), out);
  out += R"(","sessionId":")";
  AppendUuidOf(visit.seed + 40 + static_cast<uint64_t>(step.leg), out);
  out += R"(",)";
  out += kMedia[Bits(visit.seed, 48, std::size(kMedia))];
  if (step.kind == "customer.start") AppendCustomer(visit, out);
  out += step.members;
  out += '}';
}

}  // namespace

bool HasSessionId(const Visit& visit) { return Bits(visit.seed, 36, 2) == 0; }

bool IsRequestForm(const Visit& visit) { return visit.kind == VisitKind::kWeb && Bits(visit.seed, 52, 20) == 0; }

uint16_t StepsOf(const Visit& visit) {
  if (visit.kind == VisitKind::kConversation) return static_cast<uint16_t>(ConversationSteps(visit).size());
  return static_cast<uint16_t>(4 + Bits(visit.seed, 8, 13));  // 10 on average
}

void TrafficWriter::WriteEvent(const Visit& visit, EventTime time, Random& random, std::string& out) const {
  out.clear();
  switch (visit.kind) {
    case VisitKind::kApp:
      return WriteApp(visit, time, random, out);
    case VisitKind::kConversation:
      return WriteConversation(visit, time, random, out);
    case VisitKind::kWeb:
      return IsRequestForm(visit) ? WriteRequestForm(visit, time, random, out) : WriteWeb(visit, time, random, out);
  }
}

void TrafficWriter::WriteWeb(const Visit& visit, EventTime time, Random& random, std::string& out) const {
  const uint32_t dice = visit.step == 0 || IsLast(visit) ? 0 : random.Below(32);
  if (dice == 31) {
    AppendEnvelopeStart(visit, "OutcomeAchievedEvent", time, small_, random, out);
    out +=
        R"(,"outcomeAchievedEvent":{"outcome":{"id":"outcome-purchase","selfUri":"/api/v2/journey/outcomes/outcome-purchase"})";
    AppendVisitFacts(visit, out);
  } else if (dice == 30) {
    AppendEnvelopeStart(visit, "SegmentAssignmentEvent", time, small_, random, out);
    out += R"(,"segmentAssignmentEvent":{"segment":{"id":"segment-)";
    AppendInteger(random.Below(5), out);
    out += R"("})";
  } else {
    AppendEnvelopeStart(visit, "WebEvent", time, small_, random, out);
    if (!small_) AppendExternalContact(visit, out);
    out += R"(,"webEvent":{)";
    AppendWebPayload(visit, dice, random, out);
  }
  out += "}}";
}

void TrafficWriter::AppendWebPayload(const Visit& visit, uint32_t dice, Random& random, std::string& out) const {
  const TrafficPage& page = profiles_.pages[PageOf(visit, profiles_.pages.size())];
  const bool ends = IsLast(visit) && EndsWithEvent(visit);
  out += ends         ? R"("eventName":"session_ended","page":)"
         : dice >= 27 ? R"("eventName":"search_performed","page":)"
         : dice >= 24 ? R"("eventName":"form_filled","page":)"
         : dice >= 21 ? R"("eventName":"product_added","page":)"
                      : R"("eventName":"page_viewed","page":)";
  out += small_ ? page.small : page.full;
  if (!ends && dice >= 27) {
    out += R"(,"searchQuery":")";
    out += profiles_.searches[random.Below(static_cast<uint32_t>(profiles_.searches.size()))];
    out += '"';
  }
  if (small_) return;
  AppendVisitFacts(visit, out);
  if (visit.step == 0) out += profiles_.referrers[Bits(visit.seed, 16, profiles_.referrers.size())];
  AppendAttributes(visit, random, out);
  out += Bits(visit.visitor_seed, 20, 4) == 0 ? R"(,"authenticated":true)" : R"(,"authenticated":false)";
}

// What stays the same in all of a visit's events: client, place, address, campaign.
void TrafficWriter::AppendVisitFacts(const Visit& visit, std::string& out) const {
  if (small_) return;
  out += profiles_.clients[Bits(visit.seed, 12, profiles_.clients.size())];
  out += profiles_.places[Bits(visit.visitor_seed, 12, profiles_.places.size())];
  out += R"(,"ipAddress":"203.0.113.)";
  AppendInteger(static_cast<int64_t>(Bits(visit.visitor_seed, 24, 254)) + 1, out);
  out += '"';
  out += profiles_.campaigns[Bits(visit.seed, 20, profiles_.campaigns.size())];
}

void TrafficWriter::WriteRequestForm(const Visit& visit, EventTime time, Random& random, std::string& out) const {
  const TrafficPage& page = profiles_.pages[PageOf(visit, profiles_.pages.size())];
  out += R"({"eventName":"page_viewed","page":)";
  out += small_ ? page.small : page.full;
  out += R"(,"customerCookieId":")";
  AppendUuidOf(visit.visitor_seed, out);
  out += R"(","createdDate":)";
  AppendDate(time, out);
  if (!small_) {
    AppendVisitFacts(visit, out);
    if (visit.step == 0) out += R"(,"referrerUrl":"https://news.example.net/best-shoes")";
    AppendAttributes(visit, random, out);
  }
  out += '}';
}

void TrafficWriter::WriteApp(const Visit& visit, EventTime time, Random& random, std::string& out) const {
  AppendEnvelopeStart(visit, "AppEvent", time, small_, random, out);
  const uint32_t dice = random.Below(4);
  out += IsLast(visit) && EndsWithEvent(visit) ? R"(,"appEvent":{"eventName":"session_ended")"
         : dice == 0                           ? R"(,"appEvent":{"eventName":"button_tapped")"
                                               : R"(,"appEvent":{"eventName":"screen_viewed")";
  out += R"(,"screenName":")";
  out += profiles_.screens[random.Below(static_cast<uint32_t>(profiles_.screens.size()))];
  out += '"';
  if (!small_) {
    out += profiles_.phones[Bits(visit.visitor_seed, 40, profiles_.phones.size())];
    out += profiles_.places[Bits(visit.visitor_seed, 12, profiles_.places.size())];
    AppendAttributes(visit, random, out);
  }
  out += "}}";
}

void TrafficWriter::WriteConversation(const Visit& visit, EventTime time, Random& random, std::string& out) const {
  const ConversationStep& step = ConversationSteps(visit)[visit.step];
  std::string topic = "v2.detail.events.conversation.";
  AppendUuidOf(visit.seed, topic);
  topic += '.';
  topic += step.kind;
  const bool event_bridge = Bits(visit.seed, 56, 4) == 0;
  if (event_bridge) {
    out += R"({"version":"0","id":")";
    AppendNewUuid(random, out);
    out += R"(","detail-type":")";
    out += topic;
    out += R"(","source":"aws.partner/genesys.com/cloud/example/journey","account":"123456789012","time":)";
    AppendDate(EventTime{time.ms - time.ms % 1000}, out);
    out += R"(,"region":"eu-central-1","resources":[],"detail":)";
  }
  out += R"({"topicName":")";
  out += topic;
  out += R"(","version":"2","eventBody":)";
  AppendDetailBody(visit, step, time, out);
  out += R"(,"metadata":{"CorrelationId":")";
  AppendNewUuid(random, out);
  out += event_bridge ? R"("}}})" : R"("}})";
}

void TrafficWriter::WriteGarbage(const Visit& visit, EventTime time, Random& random, std::string& out) const {
  switch (random.Below(6)) {
    case 0:  // cut off in the middle
      WriteEvent(visit, time, random, out);
      out.resize(out.size() / 2);
      return;
    case 1:
      out = "<html><head><title>502 Bad Gateway</title></head></html>";
      return;
    case 2:  // Latin-1
      out = "{\"id\":\"latin-1\",\"customerId\":\"M\xFCller\",\"createdDate\":\"2025-11-24T10:00:00Z\"}";
      return;
    case 3:  // nobody
      out = R"({"id":"no-customer","eventType":"com.genesys.journey.WebEvent","webEvent":{"eventName":"page_viewed"}})";
      return;
    case 4:
      out = R"({"id":"no-time","customerId":"c","customerIdType":"cookie","createdDate":"yesterday","webEvent":{}})";
      return;
    default:  // a clock that is far ahead
      out =
          R"({"id":"ahead","customerId":"c","customerIdType":"cookie","createdDate":"9998-01-01T00:00:00Z","webEvent":{}})";
      return;
  }
}

void TrafficWriter::WriteKey(const Visit& visit, std::string& out) {
  out.clear();
  AppendUuidOf(visit.kind == VisitKind::kConversation ? visit.seed : visit.visitor_seed, out);
}

}  // namespace tidemark
