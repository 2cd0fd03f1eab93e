// What an event's `attributes` and `attributeLists` become: per key the newest value, except that the keys the rules
// name become lists of distinct values.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "core/join_collections.h"

namespace tidemark {
namespace {

// A member and what orders it by key: the key's first eight bytes as a number tell most apart.
struct SortedMember {
  uint64_t prefix;
  std::string_view key;
  Node value;

  // Of a repeated key the last comes first: nodes rise in the document's order.
  bool operator<(const SortedMember& other) const {
    if (prefix != other.prefix) return prefix < other.prefix;
    const int order = key.compare(other.key);
    return order != 0 ? order < 0 : value > other.value;
  }
};
using MemberList = Collected<SortedMember>;

uint64_t PrefixOf(std::string_view key) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t prefix = 0;
  if (key.size() >= sizeof(prefix)) {
    std::memcpy(&prefix, key.data(), sizeof(prefix));
  } else if (!key.empty()) {
    std::memcpy(&prefix, key.data(), key.size());
  }
  return __builtin_bswap64(prefix);
}

// The members of the payload's object called `name`, ordered by key; of a repeated key the last.
MemberList SortedMembers(const Event& event, Key name) {
  MemberList members;
  const Node object = event.payload[name];
  if (object == kNoNode || !event.document->IsObject(object)) return members;
  event.document->ForEachMember(object, [&](std::string_view key, Node value) {
    members.push_back({PrefixOf(key), key, value});
  });
  std::sort(members.begin(), members.end());
  const auto same_key = [](const auto& a, const auto& b) { return SameText(a.key, b.key); };
  members.erase(std::unique(members.begin(), members.end(), same_key), members.end());
  return members;
}

// An attribute's or list's members by their place in kTypedNames, the first for none of them; of a repeated key the
// last.
using TypedNodes = std::array<Node, 4>;
enum TypedMember : size_t { kOther, kDataType, kValue, kValues };
constexpr std::array<std::string_view, 3> kTypedTexts = {"dataType", "value", "values"};
constexpr NameTable<kTypedTexts.size()> kTypedNames(kTypedTexts.size(), [](size_t i) { return kTypedTexts[i]; });

struct TypedValue {
  Node data_type;
  Node value;
};

// An attribute's or list's `dataType` and its value; nothing where it has not both.
std::optional<TypedValue> ReadTyped(const Document& document, Node object, TypedMember wanted) {
  if (!document.IsObject(object)) return std::nullopt;
  TypedNodes nodes{};
  document.ForEachMember(object, kTypedNames, [&](size_t found, Node member) { nodes[found] = member; });
  if (nodes[kDataType] == kNoNode || nodes[wanted] == kNoNode) return std::nullopt;
  return TypedValue{nodes[kDataType], nodes[wanted]};
}

// As nearly all of them are written.
constexpr std::array<std::string_view, 2> kUsualAttribute = {"dataType", "value"};

std::optional<Attribute> ReadEventAttribute(const Event& event, std::string_view key, Node member) {
  const Document& document = *event.document;
  if (!document.IsObject(member)) return std::nullopt;
  std::array<Node, 2> usual;
  if (!document.HasMembers(member, kUsualAttribute, usual)) {
    const auto typed = ReadTyped(document, member, kValue);
    if (!typed) return std::nullopt;
    usual = {typed->data_type, typed->value};
  }
  const auto data_type = document.String(usual[0]);
  const auto value = document.String(usual[1]);
  if (!data_type || !value) return std::nullopt;
  return Attribute{key, event.time, *data_type, *value};
}

std::optional<Collected<Term>> ReadListValues(const Document& document, Node list, EventTime time) {
  if (!document.IsArray(list)) return std::nullopt;
  Collected<Term> values;
  bool all_text = true;
  document.ForEachElement(list, [&](Node element) {
    const auto text = document.String(element);
    all_text = all_text && text.has_value();
    if (text) values.push_back({time, *text});
  });
  if (!all_text) return std::nullopt;
  return MergeTerms(values, {});
}

// The event's own lists.
Collected<AttributeList> OwnLists(const Event& event) {
  Collected<AttributeList> lists;
  for (const auto& [prefix, key, member] : SortedMembers(event, Key::kAttributeLists)) {
    const auto typed = ReadTyped(*event.document, member, kValues);
    if (!typed) continue;
    const auto data_type = event.document->String(typed->data_type);
    auto values = ReadListValues(*event.document, typed->value, event.time);
    if (data_type && values) lists.push_back({key, event.time, *data_type, std::move(*values)});
  }
  return lists;
}

void FoldLists(const Collected<AttributeList>& lists, ByteBuffer& packed, Session& session) {
  Fold(Slot::kAttributeLists, lists, packed, session, UnpackLists, MergeLists, PackLists);
}

void FoldAttributes(std::string_view incoming, ByteBuffer& merged, Session& session) {
  if (incoming.empty()) return;
  const std::string_view ours = session.fields.Get(Slot::kAttributes);
  if (ours.empty()) return session.fields.Set(Slot::kAttributes, kBeforeAllTime, incoming);
  merged.clear();
  MergeAttributes(ours, incoming, merged);
  session.fields.Set(Slot::kAttributes, kBeforeAllTime, merged.view());
}

// What most events bring: new values of a few attributes that the session has. Their order is known then, so nothing is
// sorted, or packed twice, as the general way does (bench/README.md says what that is worth). False where it is
// anything else; then nothing has happened.
bool UpdateKnownAttributes(const Event& event, const JoinContext& context, Session& session) {
  constexpr size_t kFew = 8;  // each is looked for among all
  const std::string_view ours = session.fields.Get(Slot::kAttributes);
  const Node object = event.payload[Key::kAttributes];
  if (ours.empty() || object == kNoNode || !event.document->IsObject(object)) return false;
  Collected<Attribute> incoming;
  bool usual = event.payload[Key::kAttributeLists] == kNoNode && context.rules.list_attributes.empty();
  event.document->ForEachMember(object, [&](std::string_view key, Node member) {
    usual = usual && incoming.size() < kFew;
    if (!usual) return;
    const auto attribute = ReadEventAttribute(event, key, member);
    usual = attribute.has_value();
    if (usual) incoming.push_back(*attribute);
  });
  context.merged.clear();
  if (!usual || !UpdateAttributes(ours, incoming, context.merged)) return false;
  session.fields.Set(Slot::kAttributes, kBeforeAllTime, context.merged.view());
  return true;
}

}  // namespace

void JoinAttributes(const Event& event, const JoinContext& context, Session& session) {
  if (UpdateKnownAttributes(event, context, session)) return;
  Collected<AttributeList> named_lists;
  context.packed.clear();
  for (const auto& [prefix, key, member] : SortedMembers(event, Key::kAttributes)) {
    const auto attribute = ReadEventAttribute(event, key, member);
    if (!attribute) continue;
    if (IsNamed(key, context.rules.list_attributes)) {
      named_lists.push_back({key, event.time, attribute->data_type, {{event.time, attribute->value}}});
    } else {
      PackAttribute(*attribute, context.packed);
    }
  }
  FoldAttributes(context.packed.view(), context.merged, session);
  if (named_lists.empty() && event.payload[Key::kAttributeLists] == kNoNode) return;
  // In one event the own list's data type counts: it merges as the later one.
  FoldLists(MergeLists(named_lists, OwnLists(event)), context.packed, session);
}

}  // namespace tidemark
