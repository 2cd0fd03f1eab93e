// What an event's `attributes` and `attributeLists` become: per key the newest value, except that the keys the rules
// name become lists of distinct values.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/join_collections.h"

namespace tidemark {
namespace {

using MemberList = Collected<std::pair<std::string_view, Node>>;

// The members of the payload's object called `name`, ordered by key; of a repeated key the last.
MemberList SortedMembers(const Event& event, Key name) {
  MemberList members;
  const Node object = event.payload[name];
  if (object == kNoNode || !event.document->IsObject(object)) return members;
  event.document->ForEachMember(object, [&](std::string_view key, Node value) { members.emplace_back(key, value); });
  // Nodes rise in the document's order, so that the last of a repeated key sorts first.
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
    const int order = a.first.compare(b.first);
    return order != 0 ? order < 0 : a.second > b.second;
  });
  const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
  members.erase(std::unique(members.begin(), members.end(), same_key), members.end());
  return members;
}

struct TypedValue {
  std::string_view data_type;
  Node value = kNoNode;
};

// An attribute's or list's `dataType` and the member called `name`; nothing without a string dataType.
std::optional<TypedValue> ReadTyped(const Document& document, Node object, std::string_view name) {
  if (!document.IsObject(object)) return std::nullopt;
  Node data_type = kNoNode;
  Node value = kNoNode;
  document.ForEachMember(object, [&](std::string_view key, Node member) {
    if (key == "dataType") data_type = member;
    if (key == name) value = member;
  });
  if (data_type == kNoNode || value == kNoNode) return std::nullopt;
  const auto text = document.String(data_type);
  if (!text) return std::nullopt;
  return TypedValue{*text, value};
}

std::optional<Attribute> ReadEventAttribute(const Event& event, std::string_view key, Node member) {
  const auto typed = ReadTyped(*event.document, member, "value");
  const auto value = typed ? event.document->String(typed->value) : std::nullopt;
  if (!value) return std::nullopt;
  return Attribute{key, event.time, typed->data_type, *value};
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
  for (const auto& [key, member] : SortedMembers(event, Key::kAttributeLists)) {
    const auto typed = ReadTyped(*event.document, member, "values");
    auto values = typed ? ReadListValues(*event.document, typed->value, event.time) : std::nullopt;
    if (values) lists.push_back({key, event.time, typed->data_type, std::move(*values)});
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

}  // namespace

void JoinAttributes(const Event& event, const JoinContext& context, Session& session) {
  Collected<AttributeList> named_lists;
  context.packed.clear();
  for (const auto& [key, member] : SortedMembers(event, Key::kAttributes)) {
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
