// The nested objects of the Session model (Browser, Device, JourneyPage, …) and its enums, as tables.
//
// An object is *projected* onto its model when an event brings it: known fields of the right type are kept in packed
// form, everything else is dropped (spec section 2, "projected onto the model"). When the session is emitted the packed
// form is expanded to JSON again, in the model's order. Pure functions over constant tables, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/byte_buffer.h"
#include "core/document.h"
#include "core/json_text.h"
#include "core/name_table.h"

namespace tidemark {

// A spelling an enum has in events, and the Session's spelling of it.
struct EnumSpelling {
  std::string_view event;
  std::string_view session;
};

struct EnumModel {
  std::span<const EnumSpelling> spellings;
  std::string_view otherwise;  // what any other string becomes

  // The Session's spelling. Its own spellings are taken as they are; case counts.
  std::string_view SessionSpelling(std::string_view text) const;
};

extern const EnumModel kDirectionEnum;
extern const EnumModel kDisconnectTypeEnum;
extern const EnumModel kAcdOutcomeEnum;
extern const EnumModel kChannelTypeEnum;
extern const EnumModel kMessageTypeEnum;

enum class FieldType : uint8_t { kText, kInt32, kNumber, kBool, kTextList, kEnum };

struct ObjectField {
  JsonKey name;
  FieldType type = FieldType::kText;
  const EnumModel* spellings = nullptr;  // of a kEnum
};

inline constexpr size_t kMaxObjectFields = 16;

struct ObjectModel {
  explicit constexpr ObjectModel(std::span<const ObjectField> all)
      : fields(all), names(all.size(), [all](size_t i) { return all[i].name.name(); }) {}

  std::span<const ObjectField> fields;  // in the order of emission
  NameTable<kMaxObjectFields> names;
};

extern const ObjectModel kBrowserModel;
extern const ObjectModel kDeviceModel;
extern const ObjectModel kGeolocationModel;
extern const ObjectModel kPageModel;
extern const ObjectModel kCampaignModel;
extern const ObjectModel kReferrerModel;
extern const ObjectModel kAppModel;
extern const ObjectModel kSdkLibraryModel;
extern const ObjectModel kNetworkConnectivityModel;
extern const ObjectModel kEntityRefModel;  // {id, selfUri}

// Replaces `packed` by the projection of the object at `object`; false, and `packed` empty, when nothing is left or
// the value is no object. Of a repeated key the last one counts.
bool Project(const Document& document, Node object, const ObjectModel& model, ByteBuffer& packed);

// Packs a single text field, as if an event had brought the object {name: text}. `name` must be in the model.
void PackTextField(const ObjectModel& model, std::string_view name, std::string_view text, ByteBuffer& packed);

// Appends the JSON of a packed object.
void AppendObjectJson(const ObjectModel& model, std::string_view packed, ByteBuffer& out);

}  // namespace tidemark
