#include "core/session.h"

#include <algorithm>

#include "core/collections.h"

namespace tidemark {

EventTime Session::Deadline(const Rules& rules) const {
  if (has_end()) return end;
  if (type_rules == TypeRules::kConversation && customer_has_left) return last + rules.conversation_linger;
  return last + rules.timeout.For(type_rules);
}

CloseReason Session::Reason() const {
  if (has_end()) return end_reason;
  if (type_rules == TypeRules::kConversation && customer_has_left) return CloseReason::kConversationEnded;
  return CloseReason::kInactivity;
}

EventTime Session::EndedDate(const Rules& rules) const {
  switch (Reason()) {
    case CloseReason::kEndEvent:
    case CloseReason::kMaxDuration:
      return end;
    case CloseReason::kConversationEnded:
      return customer_ended;
    case CloseReason::kInactivity:
      break;
  }
  return last + rules.timeout.For(type_rules);
}

bool IsNamed(std::string_view name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

namespace {

// A slot that two sessions may both have: one value of the two stays.
struct MergeRule {
  Slot slot;
  Keep keep;
};

constexpr MergeRule kMergeRules[] = {
    {Slot::kLastEvent, Keep::kNewest},   {Slot::kPage, Keep::kNewest},
    {Slot::kCustomer, Keep::kNewest},    {Slot::kExternalId, Keep::kNewest},
    {Slot::kExternalUrl, Keep::kNewest}, {Slot::kExternalContact, Keep::kNewest},
    {Slot::kSelfUri, Keep::kNewest},     {Slot::kBrowser, Keep::kNewest},
    {Slot::kDevice, Keep::kNewest},      {Slot::kGeolocation, Keep::kNewest},
    {Slot::kIpAddress, Keep::kNewest},   {Slot::kIpOrganization, Keep::kNewest},
    {Slot::kUserAgent, Keep::kNewest},   {Slot::kApp, Keep::kNewest},
    {Slot::kSdkLibrary, Keep::kNewest},  {Slot::kNetworkConnectivity, Keep::kNewest},
    {Slot::kReferrer, Keep::kOldest},    {Slot::kCampaign, Keep::kOldest},
    {Slot::kSubject, Keep::kNewest},     {Slot::kDirection, Keep::kOldest},
    {Slot::kQueue, Keep::kNewest},       {Slot::kUser, Keep::kNewest},
    {Slot::kDisposition, Keep::kNewest}, {Slot::kDisconnectType, Keep::kNewest},
    {Slot::kAcdOutcome, Keep::kNewest},
};

void MergeValue(const MergeRule& rule, const Session& later, Session& earlier) {
  if (!later.fields.Has(rule.slot)) return;
  if (earlier.fields.Has(rule.slot)) {
    const EventTime ours = earlier.fields.TimeOf(rule.slot);
    const EventTime theirs = later.fields.TimeOf(rule.slot);
    const bool take = rule.keep == Keep::kNewest ? theirs >= ours : theirs < ours;
    if (!take) return;
  }
  earlier.fields.CopyFrom(later.fields, rule.slot);
}

// Merges a slot that is a collection, by a function of the packed forms.
template <typename Merge>
void MergePacked(Slot slot, const Session& later, Session& earlier, Merge merge) {
  if (!later.fields.Has(slot)) return;
  ByteBuffer merged;
  merge(earlier.fields.Get(slot), later.fields.Get(slot), merged);
  earlier.fields.Set(slot, kBeforeAllTime, merged.view());
}

// The same: unpack both, merge, pack.
template <typename Unpack, typename Merge, typename Pack>
void MergeCollection(Slot slot, const Session& later, Session& earlier, Unpack unpack, Merge merge, Pack pack) {
  MergePacked(slot, later, earlier, [&](std::string_view a, std::string_view b, ByteBuffer& merged) {
    pack(merge(unpack(a), unpack(b)), merged);
  });
}

void MergeCollections(const Rules& rules, const Session& later, Session& earlier) {
  MergePacked(Slot::kAttributes, later, earlier, MergeAttributes);
  MergeCollection(Slot::kAttributeLists, later, earlier, UnpackLists, MergeLists, PackLists);
  MergeCollection(Slot::kSearchTerms, later, earlier, UnpackTerms, MergeTerms, PackTerms);
  MergeCollection(Slot::kOutcomes, later, earlier, UnpackAchievements, MergeAchievements, PackAchievements);
  MergeCollection(Slot::kSegments, later, earlier, UnpackAchievements, MergeAchievements, PackAchievements);
  MergeCollection(Slot::kChannels, later, earlier, UnpackChannels, MergeChannels, PackChannels);
  MergeCollection(Slot::kLegs, later, earlier, UnpackLegs, MergeLegs, PackLegs);
  MergePacked(Slot::kEventIds, later, earlier, [&](std::string_view a, std::string_view b, ByteBuffer& merged) {
    MergeEventIds(a, b, rules.dedup_horizon, merged);
  });
}

}  // namespace

void MergeSessions(const Rules& rules, Session& later, Session& earlier) {
  for (const MergeRule& rule : kMergeRules) MergeValue(rule, later, earlier);
  MergeCollections(rules, later, earlier);
  earlier.first = std::min(earlier.first, later.first);
  earlier.last = std::max(earlier.last, later.last);
  earlier.end = later.end;
  earlier.end_reason = later.end_reason;
  earlier.authenticated |= later.authenticated;
  earlier.is_conversation |= later.is_conversation;
  earlier.events += later.events;
  earlier.pageviews += later.pageviews;
  earlier.screenviews += later.screenviews;
  earlier.duplicates += later.duplicates;
  earlier.out_of_order += later.out_of_order;
  earlier.first_offset = std::min(earlier.first_offset, later.first_offset);
  earlier.last_offset = std::max(earlier.last_offset, later.last_offset);
  UpdateCustomerLegs(earlier);
}

}  // namespace tidemark
