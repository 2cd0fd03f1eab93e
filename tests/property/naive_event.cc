#include "tests/property/naive_event.h"

#include <simdjson.h>

#include <chrono>
#include <regex>

namespace tidemark {
namespace {

using nlohmann::json;

const json& At(const json& object, const std::string& name) {
  static const json kNull;
  if (!object.is_object() || !object.contains(name)) return kNull;
  return object.at(name);
}

std::optional<int64_t> ReadIso(const std::string& text) {
  static const std::regex kForm(
      R"(^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))$)");
  std::smatch m;
  if (!std::regex_match(text, m, kForm)) return std::nullopt;
  const auto number = [&](int i) { return std::stoll(m[i].str()); };
  using namespace std::chrono;
  const year_month_day date{year(static_cast<int>(number(1))), month(static_cast<unsigned>(number(2))),
                            day(static_cast<unsigned>(number(3)))};
  if (!date.ok() || number(4) > 23 || number(5) > 59 || number(6) > 59) return std::nullopt;
  int64_t time = sys_days(date).time_since_epoch().count() * 86'400'000LL + number(4) * 3'600'000 + number(5) * 60'000 +
                 number(6) * 1000;
  if (m[7].matched) time += std::stoll((m[7].str() + "000").substr(0, 3));
  if (m[8].matched) {
    if (number(9) > 23 || number(10) > 59) return std::nullopt;
    const int64_t offset = number(9) * 3'600'000 + number(10) * 60'000;
    time += m[8].str() == "-" ? offset : -offset;
  }
  return time;
}

std::optional<int64_t> ReadTime(const json& value) {
  std::optional<int64_t> time;
  if (value.is_string()) time = ReadIso(value.get<std::string>());
  if (value.is_number_unsigned() && value.get<uint64_t>() > 253'402'300'799'999ULL) return std::nullopt;
  if (value.is_number_integer()) time = value.get<int64_t>();
  if (!time || *time < 0 || *time > 253'402'300'799'999LL) return std::nullopt;
  return time;
}

bool HasText(const json& object) {
  for (const char* name : {"name", "namespace", "version", "buildNumber"}) {
    if (At(object, name).is_string()) return true;
  }
  return false;
}

void ReadDetail(const std::string& topic_id, const std::string& kind, NaiveEvent& event) {
  event.detail = true;
  event.kind = kind;
  event.name = kind;
  const std::string own = TextOf(event.body, "conversationId");
  event.key = {false, "", own.empty() ? topic_id : own, "conversation"};
}

void ReadJourney(NaiveEvent& event) {
  const std::pair<const char*, const char*> payloads[] = {{"webEvent", "web"},
                                                          {"appEvent", "app"},
                                                          {"outcomeAchievedEvent", "outcome"},
                                                          {"segmentAssignmentEvent", "segment"},
                                                          {"webActionEvent", "action"}};
  for (const auto& [name, kind] : payloads) {
    if (!event.kind.empty() || !At(event.body, name).is_object()) continue;
    event.kind = kind;
    event.payload = At(event.body, name);
  }
  const std::string event_type = TextOf(event.body, "eventType");
  if (event.kind.empty() && event_type.empty() && !TextOf(event.body, "eventName").empty()) {
    event.request_form = true;
    event.kind = !TextOf(event.body, "screenName").empty() || HasText(At(event.body, "app")) ? "app" : "web";
    event.payload = event.body;
  }
  if (event.kind == "web" || event.kind == "app") event.name = TextOf(event.payload, "eventName");
  if (event.name.empty()) event.name = event_type;
  event.customer_id = TextOf(event.body, "customerId");
  event.customer_id_type = event.customer_id.empty() ? "" : TextOf(event.body, "customerIdType");
  if (event.request_form && event.customer_id.empty() && !TextOf(event.body, "customerCookieId").empty()) {
    event.customer_id = TextOf(event.body, "customerCookieId");
    event.customer_id_type = "cookie";
  }
  const json& session = At(event.body, "session");
  std::string type = TextOf(session, "type");
  if (type.empty()) type = event.kind == "app" ? "app" : "web";
  const std::string id = TextOf(session, "id");
  if (id.empty()) {
    event.key = {true, event.customer_id_type, event.customer_id, type};
  } else {
    event.key = {false, "", id, type};
  }
}

// v2.detail.events.conversation.{id}.{kind}
bool SplitTopic(const std::string& topic, std::string& id, std::string& kind) {
  static const std::regex kForm(R"(^v2\.detail\.events\.conversation\.([^.]*)\.([\s\S]+)$)");
  std::smatch m;
  if (!std::regex_match(topic, m, kForm)) return false;
  id = m[1];
  kind = m[2];
  return true;
}

}  // namespace

std::string TextOf(const json& object, const std::string& name) {
  const json& value = At(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

std::optional<NaiveEvent> ReadNaiveEvent(const std::string& line, size_t position, const Rules& rules,
                                         int64_t process_start, std::string& reason) {
  const auto dead = [&](const char* why) {
    reason = why;
    return std::nullopt;
  };
  if (line.size() > rules.max_event_bytes) return dead("too_large");
  if (!simdjson::validate_utf8(line.data(), line.size())) return dead("invalid_utf8");
  const json root = line.starts_with("\xEF\xBB\xBF") ? json() : json::parse(line, nullptr, false);
  if (!root.is_object()) return dead("invalid_json");

  NaiveEvent event;
  event.position = position;
  const bool bridged = At(root, "detail").is_object();
  const json& outer = bridged ? At(root, "detail") : root;
  const bool notified = At(outer, "eventBody").is_object();
  event.body = notified ? At(outer, "eventBody") : outer;

  event.id = TextOf(event.body, "id");
  if (event.id.empty() && bridged) event.id = TextOf(root, "id");
  if (event.id.empty()) {
    event.id = TextOf(At(outer, "metadata"), "CorrelationId");
    event.correlated = !event.id.empty();
  }
  std::string topic = TextOf(outer, "topicName");
  if (topic.empty()) topic = TextOf(root, "detail-type");
  std::string topic_id;
  std::string kind;
  if ((bridged || notified) && SplitTopic(topic, topic_id, kind)) {
    ReadDetail(topic_id, kind, event);
  } else {
    ReadJourney(event);
  }
  const json& time = At(event.body, event.detail ? "eventTime" : "createdDate");
  if (time.is_null() || time == "") return dead("missing_field");
  if (std::get<2>(event.key).empty()) return dead("missing_field");
  const std::optional<int64_t> read = ReadTime(time);
  if (!read) return dead("invalid_timestamp");
  if (*read > process_start + rules.max_future_skew.ms) return dead("future_timestamp");
  event.time = *read;
  return event;
}

}  // namespace tidemark
