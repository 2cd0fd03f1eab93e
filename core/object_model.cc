#include "core/object_model.h"

#include <array>
#include <limits>
#include <optional>

#include "core/json_text.h"
#include "core/packed.h"

namespace tidemark {
namespace {

using enum FieldType;

constexpr EnumSpelling kDirections[] = {{"UNKNOWN", "Unknown"}, {"INBOUND", "Inbound"}, {"OUTBOUND", "Outbound"}};

constexpr EnumSpelling kDisconnectTypes[] = {
    {"UNKNOWN", "Unknown"},
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
    {"DND_TRANSFER", "DoNotDisturbTransfer"},
};

constexpr EnumSpelling kAcdOutcomes[] = {
    {"UNKNOWN", "Unknown"}, {"ABANDON", "Abandon"}, {"ANSWERED", "Answered"}, {"FLOW_OUT", "FlowOut"}};

// The last five have no spelling of their own in detail events.
constexpr EnumSpelling kChannelTypes[] = {
    {"UNKNOWN", "Unknown"},
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
    {"Webchat", "Webchat"},
};

constexpr EnumSpelling kMessageTypes[] = {
    {"UNKNOWN", "Unknown"},
    {"SMS", "Sms"},
    {"TWITTER", "Twitter"},
    {"FACEBOOK", "Facebook"},
    {"LINE", "Line"},
    {"WHATSAPP", "WhatsApp"},
    {"OPEN", "Open"},
    {"INSTAGRAM", "Instagram"},
    {"WEBMESSAGING", "WebMessaging"},
};

constexpr EnumSpelling kDeviceCategories[] = {
    {"desktop", "desktop"}, {"mobile", "mobile"}, {"tablet", "tablet"}, {"other", "other"}};
constexpr EnumModel kDeviceCategoryEnum{kDeviceCategories, "other"};

constexpr EnumSpelling kReferrerMedia[] = {{"internal", "internal"}, {"search", "search"},   {"social", "social"},
                                           {"email", "email"},       {"unknown", "unknown"}, {"paid", "paid"}};
constexpr EnumModel kReferrerMediumEnum{kReferrerMedia, "unknown"};

constexpr ObjectField kBrowserFields[] = {
    {"family"},
    {"version"},
    {"lang"},
    {"fingerprint"},
    {"isMobile", kBool},
    {"viewHeight", kInt32},
    {"viewWidth", kInt32},
    {"featuresFlash", kBool},
    {"featuresJava", kBool},
    {"featuresPdf", kBool},
    {"featuresWebrtc", kBool},
};
constexpr ObjectField kDeviceFields[] = {
    {"category", kEnum, &kDeviceCategoryEnum},
    {"type"},
    {"isMobile", kBool},
    {"screenHeight", kInt32},
    {"screenWidth", kInt32},
    {"screenDensity", kInt32},
    {"fingerprint"},
    {"osFamily"},
    {"osVersion"},
    {"manufacturer"},
};
constexpr ObjectField kGeolocationFields[] = {
    {"country"},
    {"countryName"},
    {"latitude", kNumber},
    {"longitude", kNumber},
    {"locality"},
    {"postalCode"},
    {"region"},
    {"regionName"},
    {"source"},
    {"timezone"},
};
constexpr ObjectField kPageFields[] = {
    {"url"},      {"title"}, {"domain"},   {"fragment"},    {"hostname"},
    {"keywords"}, {"lang"},  {"pathname"}, {"queryString"}, {"breadcrumb", kTextList},
};
constexpr ObjectField kCampaignFields[] = {{"content"}, {"medium"},  {"name"},   {"source"},
                                           {"term"},    {"clickId"}, {"network"}};
constexpr ObjectField kReferrerFields[] = {
    {"url"},      {"domain"},   {"hostname"},
    {"keywords"}, {"pathname"}, {"queryString"},
    {"fragment"}, {"name"},     {"medium", kEnum, &kReferrerMediumEnum},
};
constexpr ObjectField kAppFields[] = {{"name"}, {"namespace"}, {"version"}, {"buildNumber"}};
constexpr ObjectField kSdkLibraryFields[] = {{"name"}, {"version"}};
constexpr ObjectField kNetworkConnectivityFields[] = {
    {"carrier"}, {"bluetoothEnabled", kBool}, {"cellularEnabled", kBool}, {"wifiEnabled", kBool}};
constexpr ObjectField kEntityRefFields[] = {{"id"}, {"selfUri"}};

std::optional<int32_t> Int32(const Document& document, Node value) {
  const std::optional<int64_t> integer = document.Integer(value);
  if (!integer || *integer < std::numeric_limits<int32_t>::min() || *integer > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(*integer);
}

// [index][count][text…]; nothing when an element is no string.
bool PackTextList(const Document& document, Node list, uint8_t index, ByteBuffer& packed) {
  if (!document.IsArray(list)) return false;
  uint64_t count = 0;
  bool all_text = true;
  document.ForEachElement(list, [&](Node element) {
    ++count;
    all_text = all_text && document.String(element).has_value();
  });
  if (!all_text) return false;
  BytePacker pack(packed);
  pack.Byte(index);
  pack.Varint(count);
  document.ForEachElement(list, [&](Node element) { pack.Text(*document.String(element)); });
  return true;
}

// Appends [index][value] where the value has the field's type.
void PackField(const Document& document, Node value, const ObjectField& field, uint8_t index, ByteBuffer& packed) {
  BytePacker pack(packed);
  switch (field.type) {
    case kText:
    case kEnum:
      if (const auto text = document.String(value)) {
        pack.Byte(index);
        pack.Text(field.type == kEnum ? field.spellings->SessionSpelling(*text) : *text);
      }
      break;
    case kInt32:
      if (const auto number = Int32(document, value)) {
        pack.Byte(index);
        pack.Varint(static_cast<uint32_t>(*number));
      }
      break;
    case kNumber:
      if (const auto number = document.NumberText(value)) {
        pack.Byte(index);
        pack.Text(*number);
      }
      break;
    case kBool:
      if (const auto flag = document.Bool(value)) {
        pack.Byte(index);
        pack.Byte(*flag ? 1 : 0);
      }
      break;
    case kTextList:
      PackTextList(document, value, index, packed);
      break;
  }
}

void AppendFieldJson(const ObjectField& field, Unpacker& packed, ByteBuffer& out) {
  switch (field.type) {
    case kText:
    case kEnum:
      AppendJsonString(packed.Text(), out);
      break;
    case kInt32:
      AppendInteger(static_cast<int32_t>(packed.Varint()), out);
      break;
    case kNumber:
      out += packed.Text();
      break;
    case kBool:
      out += packed.Byte() != 0 ? std::string_view("true") : std::string_view("false");
      break;
    case kTextList: {
      char separator = '[';
      const uint64_t count = packed.Varint();
      if (count == 0) out += separator;
      for (uint64_t i = 0; i < count && packed.ok(); ++i) {
        out += separator;
        AppendJsonString(packed.Text(), out);
        separator = ',';
      }
      out += ']';
      break;
    }
  }
}

}  // namespace

constexpr EnumModel kDirectionEnum{kDirections, "Unknown"};
constexpr EnumModel kDisconnectTypeEnum{kDisconnectTypes, "Unknown"};
constexpr EnumModel kAcdOutcomeEnum{kAcdOutcomes, "Unknown"};
constexpr EnumModel kChannelTypeEnum{kChannelTypes, "Unknown"};
constexpr EnumModel kMessageTypeEnum{kMessageTypes, "Unknown"};

constexpr ObjectModel kBrowserModel{kBrowserFields};
constexpr ObjectModel kDeviceModel{kDeviceFields};
constexpr ObjectModel kGeolocationModel{kGeolocationFields};
constexpr ObjectModel kPageModel{kPageFields};
constexpr ObjectModel kCampaignModel{kCampaignFields};
constexpr ObjectModel kReferrerModel{kReferrerFields};
constexpr ObjectModel kAppModel{kAppFields};
constexpr ObjectModel kSdkLibraryModel{kSdkLibraryFields};
constexpr ObjectModel kNetworkConnectivityModel{kNetworkConnectivityFields};
constexpr ObjectModel kEntityRefModel{kEntityRefFields};

std::string_view EnumModel::SessionSpelling(std::string_view text) const {
  for (const EnumSpelling& spelling : spellings) {
    if (text == spelling.event || text == spelling.session) return spelling.session;
  }
  return otherwise;
}

bool Project(const Document& document, Node object, const ObjectModel& model, ByteBuffer& packed) {
  packed.clear();
  if (!document.IsObject(object)) return false;
  std::array<Node, kMaxObjectFields + 1> values{};  // by index plus one; the first is for names not in the model
  document.ForEachMember(object, model.names, [&](size_t found, Node value) { values[found] = value; });
  for (size_t i = 0; i < model.fields.size(); ++i) {
    const Node value = values[i + 1];
    if (value != kNoNode) PackField(document, value, model.fields[i], static_cast<uint8_t>(i), packed);
  }
  return !packed.empty();
}

void PackTextField(const ObjectModel& model, std::string_view name, std::string_view text, ByteBuffer& packed) {
  BytePacker pack(packed);
  pack.Byte(static_cast<uint8_t>(model.names.Find(name) - 1));
  pack.Text(text);
}

void AppendObjectJson(const ObjectModel& model, std::string_view packed, ByteBuffer& out) {
  Unpacker unpack(packed);
  char separator = '{';
  while (!unpack.AtEnd()) {
    const uint8_t index = unpack.Byte();
    if (index >= model.fields.size()) break;  // not of this model: no packed form that this program writes
    const ObjectField& field = model.fields[index];
    char* const p = out.Room(1 + JsonKey::kRoom);
    *p = separator;
    out.EndAt(field.name.Put(p + 1));
    AppendFieldJson(field, unpack, out);
    separator = ',';
  }
  out += '}';
}

}  // namespace tidemark
