#include "tests/model/naive_projection.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/model/naive_json.h"

namespace tidemark::model {
namespace {

using nlohmann::json;

using Fields = std::vector<std::pair<std::string, std::string>>;  // name and type

const Fields& ModelFields(const std::string& model) {
  static const std::map<std::string, Fields> kModels = {
      {"Browser",
       {{"family", "str"},
        {"version", "str"},
        {"lang", "str"},
        {"fingerprint", "str"},
        {"isMobile", "bool"},
        {"viewHeight", "int"},
        {"viewWidth", "int"},
        {"featuresFlash", "bool"},
        {"featuresJava", "bool"},
        {"featuresPdf", "bool"},
        {"featuresWebrtc", "bool"}}},
      {"Device",
       {{"category", "category"},
        {"type", "str"},
        {"isMobile", "bool"},
        {"screenHeight", "int"},
        {"screenWidth", "int"},
        {"screenDensity", "int"},
        {"fingerprint", "str"},
        {"osFamily", "str"},
        {"osVersion", "str"},
        {"manufacturer", "str"}}},
      {"JourneyGeolocation",
       {{"country", "str"},
        {"countryName", "str"},
        {"latitude", "num"},
        {"longitude", "num"},
        {"locality", "str"},
        {"postalCode", "str"},
        {"region", "str"},
        {"regionName", "str"},
        {"source", "str"},
        {"timezone", "str"}}},
      {"JourneyPage",
       {{"url", "str"},
        {"title", "str"},
        {"domain", "str"},
        {"fragment", "str"},
        {"hostname", "str"},
        {"keywords", "str"},
        {"lang", "str"},
        {"pathname", "str"},
        {"queryString", "str"},
        {"breadcrumb", "[str]"}}},
      {"JourneyCampaign",
       {{"content", "str"},
        {"medium", "str"},
        {"name", "str"},
        {"source", "str"},
        {"term", "str"},
        {"clickId", "str"},
        {"network", "str"}}},
      {"Referrer",
       {{"url", "str"},
        {"domain", "str"},
        {"hostname", "str"},
        {"keywords", "str"},
        {"pathname", "str"},
        {"queryString", "str"},
        {"fragment", "str"},
        {"name", "str"},
        {"medium", "medium"}}},
      {"JourneyApp", {{"name", "str"}, {"namespace", "str"}, {"version", "str"}, {"buildNumber", "str"}}},
      {"SdkLibrary", {{"name", "str"}, {"version", "str"}}},
      {"NetworkConnectivity",
       {{"carrier", "str"}, {"bluetoothEnabled", "bool"}, {"cellularEnabled", "bool"}, {"wifiEnabled", "bool"}}},
      {"AddressableEntityRef", {{"id", "str"}, {"selfUri", "str"}}},
      {"CustomEventAttribute", {{"dataType", "str"}, {"value", "str"}}},
      {"CustomEventAttributeList", {{"dataType", "str"}, {"values", "[str]"}}},
  };
  return kModels.at(model);
}

bool AllStrings(const json& list) {
  return list.is_array() && std::all_of(list.begin(), list.end(), [](const json& e) { return e.is_string(); });
}

bool In32Bits(const json& number) {
  return number.is_number_integer() && number >= std::numeric_limits<int32_t>::min() &&
         number <= std::numeric_limits<int32_t>::max();
}

// The field's value as the model takes it; null for a wrong JSON type.
json ProjectField(const json& value, const std::string& type) {
  static const std::set<std::string> kCategories = {"desktop", "mobile", "tablet", "other"};
  static const std::set<std::string> kMedia = {"internal", "search", "social", "email", "unknown", "paid"};
  const bool fits = type == "bool"    ? value.is_boolean()
                    : type == "int"   ? In32Bits(value)
                    : type == "num"   ? value.is_number()
                    : type == "[str]" ? AllStrings(value)
                                      : value.is_string();
  if (!fits) return nullptr;
  if (type == "category" && !kCategories.contains(value)) return "other";
  if (type == "medium" && !kMedia.contains(value)) return "unknown";
  return value;
}

using Spellings = std::vector<std::pair<std::string, std::string>>;  // the detail event's, the Session's

const Spellings& EnumSpellings(const std::string& field) {
  static const std::map<std::string, Spellings> kEnums = {
      {"originatingDirection", {{"UNKNOWN", "Unknown"}, {"INBOUND", "Inbound"}, {"OUTBOUND", "Outbound"}}},
      {"lastUserDisconnectType",
       {{"UNKNOWN", "Unknown"},
        {"ENDPOINT", "Endpoint"},
        {"CLIENT", "Client"},
        {"SYSTEM", "System"},
        {"TRANSFER", "Transfer"},
        {"ERROR", "Error"},
        {"PEER", "Peer"},
        {"OTHER", "Other"},
        {"SPAM", "Spam"},
        {"TIMEOUT", "Timeout"},
        {"TRANSPORT_FAILURE", "TransportFailure"},
        {"CONFERENCE_TRANSFER", "ConferenceTransfer"},
        {"CONSULT_TRANSFER", "ConsultTransfer"},
        {"FORWARD_TRANSFER", "ForwardTransfer"},
        {"NO_ANSWER_TRANSFER", "NoAnswerTransfer"},
        {"NOT_AVAILABLE_TRANSFER", "NotAvailableTransfer"},
        {"UNCALLABLE", "Uncallable"},
        {"DND_ENDPOINT", "DoNotDisturbEndpoint"},
        {"DND_TRANSFER", "DoNotDisturbTransfer"}}},
      {"lastAcdOutcome",
       {{"UNKNOWN", "Unknown"}, {"ABANDON", "Abandon"}, {"ANSWERED", "Answered"}, {"FLOW_OUT", "FlowOut"}}},
      {"type",
       {{"UNKNOWN", "Unknown"},
        {"VOICE", "Voice"},
        {"CHAT", "Chat"},
        {"EMAIL", "Email"},
        {"CALLBACK", "Callback"},
        {"COBROWSE", "Cobrowse"},
        {"VIDEO", "Video"},
        {"SCREENSHARE", "Screenshare"},
        {"MESSAGE", "Message"},
        {"Call", "Call"},
        {"GenericObject", "GenericObject"},
        {"Messaging", "Messaging"},
        {"Social", "Social"},
        {"Webchat", "Webchat"}}},
      {"messageType",
       {{"UNKNOWN", "Unknown"},
        {"SMS", "Sms"},
        {"TWITTER", "Twitter"},
        {"FACEBOOK", "Facebook"},
        {"LINE", "Line"},
        {"WHATSAPP", "WhatsApp"},
        {"WEBMESSAGING", "WebMessaging"},
        {"OPEN", "Open"},
        {"INSTAGRAM", "Instagram"}}},
  };
  return kEnums.at(field);
}

}  // namespace

nlohmann::json Project(const nlohmann::json& value, const std::string& name) {
  json projected;
  for (const auto& [field, type] : ModelFields(name)) {
    json kept = ProjectField(Member(value, field), type);
    if (!kept.is_null()) projected[field] = std::move(kept);
  }
  return projected;
}

std::string SessionSpelling(const std::string& field, const std::string& value) {
  if (value.empty()) return "";
  for (const auto& [detail_spelling, session_spelling] : EnumSpellings(field)) {
    if (value == detail_spelling || value == session_spelling) return session_spelling;
  }
  return "Unknown";
}

}  // namespace tidemark::model
