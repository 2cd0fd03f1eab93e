#include "tests/model/naive_event.h"

#include <chrono>

#include "tests/model/naive_json.h"
#include "tests/model/naive_projection.h"

namespace tidemark::model {
namespace {

using nlohmann::json;

constexpr int64_t kBehindLastTime = 253402300800000;  // 10000-01-01T00:00:00Z

// Takes an ISO-8601 date apart from front to back.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  bool Take(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool Digits(size_t count, int* number) {
    *number = 0;
    for (size_t i = 0; i < count; ++i) {
      int digit = 0;
      if (!Digit(&digit)) return false;
      *number = *number * 10 + digit;
    }
    return true;
  }

  bool Digit(int* digit) {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return false;
    *digit = rest_.front() - '0';
    rest_.remove_prefix(1);
    return true;
  }

 private:
  std::string_view rest_;
};

// `[.f...]`, cut to milliseconds.
bool ReadFraction(DateReader* date, int* milliseconds) {
  *milliseconds = 0;
  if (!date->Take('.')) return true;
  int digit = 0;
  if (!date->Digit(&digit)) return false;
  int weight = 100;
  do {
    *milliseconds += weight * digit;
    weight /= 10;
  } while (date->Digit(&digit));
  return true;
}

// `(Z|±hh:mm|±hhmm)` and then the end.
bool ReadZone(DateReader* date, int* minutes) {
  *minutes = 0;
  if (date->Take('Z')) return date->AtEnd();
  const bool plus = date->Take('+');
  if (!plus && !date->Take('-')) return false;
  int hour = 0;
  int minute = 0;
  if (!date->Digits(2, &hour)) return false;
  date->Take(':');
  if (!date->Digits(2, &minute) || hour > 23 || minute > 59) return false;
  *minutes = (plus ? 1 : -1) * (hour * 60 + minute);
  return date->AtEnd();
}

std::optional<int64_t> ReadIsoTime(std::string_view text) {
  DateReader date(text);
  int year, month, day, hour, minute, second, millisecond, zone;
  const bool well_formed = date.Digits(4, &year) && date.Take('-') && date.Digits(2, &month) && date.Take('-') &&
                           date.Digits(2, &day) && date.Take('T') && date.Digits(2, &hour) && date.Take(':') &&
                           date.Digits(2, &minute) && date.Take(':') && date.Digits(2, &second) &&
                           ReadFraction(&date, &millisecond) && ReadZone(&date, &zone);
  if (!well_formed || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::year_month_day calendar{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                             std::chrono::day(static_cast<unsigned>(day))};
  if (!calendar.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(calendar).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute - zone) * 60'000 + second * 1000 + millisecond;
}

// The layers around an event. Where there is only one, all are the same.
struct Envelopes {
  const json* outermost;  // has EventBridge's own `id` and `detail-type`
  const json* around;     // has `topicName` and `metadata`
  const json* body;
  bool event_bridge;
};

Envelopes Unwrap(const json& record) {
  Envelopes envelopes{&record, &record, &record, false};
  if (const json& detail = Member(record, "detail"); detail.is_object()) {
    envelopes.event_bridge = true;
    envelopes.around = envelopes.body = &detail;
  }
  if (const json& inner = Member(*envelopes.around, "eventBody"); inner.is_object()) envelopes.body = &inner;
  return envelopes;
}

// `v2.detail.events.conversation.{conversationId}.{kind}`
void ReadTopic(const Envelopes& envelopes, NaiveEvent* event) {
  static const std::string kPrefix = "v2.detail.events.conversation.";
  if (envelopes.body == envelopes.outermost) return;  // there is no envelope that could name it
  std::string topic = Text(*envelopes.around, "topicName");
  if (topic.empty()) topic = Text(*envelopes.outermost, "detail-type");
  if (!topic.starts_with(kPrefix)) return;
  const std::string rest = topic.substr(kPrefix.size());
  const size_t dot = rest.find('.');
  if (dot == std::string::npos || dot + 1 == rest.size()) return;
  event->detail = true;
  event->kind = rest.substr(dot + 1);
  event->conversation_id = Text(event->body, "conversationId");
  if (event->conversation_id.empty()) event->conversation_id = rest.substr(0, dot);
}

void ReadPayload(NaiveEvent* event) {
  for (const char* name :
       {"webEvent", "appEvent", "outcomeAchievedEvent", "segmentAssignmentEvent", "webActionEvent"}) {
    if (!Member(event->body, name).is_object()) continue;
    event->payload_name = name;
    event->payload = event->body[name];
    return;
  }
  if (Text(event->body, "eventName").empty() || !Text(event->body, "eventType").empty()) return;
  // An `app` with nothing left counts as absent, here too.
  const bool app =
      !Text(event->body, "screenName").empty() || !Project(Member(event->body, "app"), "JourneyApp").is_null();
  event->request_form = true;
  event->payload_name = app ? "appEvent" : "webEvent";
  event->payload = event->body;
}

void ReadId(const Envelopes& envelopes, NaiveEvent* event) {
  event->id = Text(event->body, "id");
  if (event->id.empty() && envelopes.event_bridge) event->id = Text(*envelopes.outermost, "id");
  if (!event->id.empty()) return;
  event->id = Text(Member(*envelopes.around, "metadata"), "CorrelationId");
  event->id_is_correlation = !event->id.empty();
}

void ReadJourneyNames(NaiveEvent* event) {
  const bool web = event->payload_name == "webEvent";
  const bool app = event->payload_name == "appEvent";
  if (web || app) event->name = Text(event->payload, "eventName");
  if (event->name.empty()) event->name = Text(event->body, "eventType");
  event->type = Text(Member(event->body, "session"), "type");
  if (event->type.empty()) event->type = app ? "app" : "web";
}

void ReadJourneyCustomer(NaiveEvent* event) {
  event->customer_id = Text(event->body, "customerId");
  event->customer_id_type = event->customer_id.empty() ? "" : Text(event->body, "customerIdType");
  if (event->customer_id.empty() && event->request_form) {
    event->customer_id = Text(event->body, "customerCookieId");
    event->customer_id_type = event->customer_id.empty() ? "" : "cookie";
  }
}

void ReadDetailCustomer(NaiveEvent* event) {
  if (event->kind != "customer.start") return;
  const std::string media = SessionSpelling("type", Text(event->body, "mediaType"));  // either spelling of the enum
  if (media == "Voice" || media == "Callback") {
    event->customer_id = Text(event->body, "ani");
    event->customer_id_type = "phone";
  } else if (media == "Email") {
    event->customer_id = Text(event->body, "addressFrom");
    event->customer_id_type = "email";
  }
}

// The key, empty where neither a session id nor a customer id is known.
NaiveKey ReadKey(const NaiveEvent& event) {
  const std::string session_id = event.detail ? event.conversation_id : Text(Member(event.body, "session"), "id");
  if (!session_id.empty()) return {false, {session_id, event.type}};
  if (event.detail || event.customer_id.empty()) return {};
  return {true, {event.customer_id_type, event.customer_id, event.type}};
}

NaiveEvent ReadEvent(const json& record) {
  const Envelopes envelopes = Unwrap(record);
  NaiveEvent event;
  event.body = *envelopes.body;
  ReadTopic(envelopes, &event);
  ReadId(envelopes, &event);
  if (event.detail) {
    event.name = event.kind;
    event.type = "conversation";
    ReadDetailCustomer(&event);
  } else {
    ReadPayload(&event);
    ReadJourneyNames(&event);
    ReadJourneyCustomer(&event);
  }
  event.key = ReadKey(event);
  return event;
}

}  // namespace

std::optional<int64_t> ReadTime(const nlohmann::json& value) {
  std::optional<int64_t> time;
  if (value.is_number_integer()) time = value.get<int64_t>();
  if (value.is_string()) time = ReadIsoTime(value.get<std::string>());
  if (!time || *time < 0 || *time >= kBehindLastTime) return std::nullopt;
  return time;
}

NaiveRecord ReadRecord(std::string_view bytes, int64_t position, const Rules& rules, EventTime record_time) {
  if (bytes.size() > rules.max_event_bytes) return {{}, "too_large"};
  if (!IsValidUtf8(bytes)) return {{}, "invalid_utf8"};
  const std::optional<json> record = ReadJson(bytes);
  if (!record || !record->is_object()) return {{}, "invalid_json"};

  NaiveEvent event = ReadEvent(*record);
  event.position = position;
  const json& written_time = Member(event.body, event.detail ? "eventTime" : "createdDate");
  if (written_time.is_null() || written_time == "" || event.key.values.empty()) return {{}, "missing_field"};
  const std::optional<int64_t> time = ReadTime(written_time);
  if (!time) return {{}, "invalid_timestamp"};
  if (*time > record_time.ms + rules.max_future_skew.ms) return {{}, "future_timestamp"};
  event.time = *time;
  return {std::move(event), ""};
}

}  // namespace tidemark::model
