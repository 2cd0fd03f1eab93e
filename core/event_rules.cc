#include "core/event_rules.h"

namespace tidemark {
namespace {

using enum Keep;
using enum Part;
using enum Shape;

constexpr SlotRule kSteadyBare[] = {
    {kBody, Key::kExternalUrl, Slot::kExternalUrl, kNewest, kText},
    {kBody, Key::kExternalContact, Slot::kExternalContact, kNewest, kObject, &kEntityRefModel},
};

// Of web, outcome and web-action events; the outcome itself is not a slot of one value (session_join.cc).
constexpr SlotRule kSteadyWeb[] = {
    {kBody, Key::kExternalUrl, Slot::kExternalUrl, kNewest, kText},
    {kBody, Key::kExternalContact, Slot::kExternalContact, kNewest, kObject, &kEntityRefModel},
    {kPayload, Key::kUserAgentString, Slot::kUserAgent, kNewest, kText},
    {kPayload, Key::kBrowser, Slot::kBrowser, kNewest, kObject, &kBrowserModel},
    {kPayload, Key::kDevice, Slot::kDevice, kNewest, kObject, &kDeviceModel},
    {kPayload, Key::kGeolocation, Slot::kGeolocation, kNewest, kObject, &kGeolocationModel},
    {kPayload, Key::kIpOrganization, Slot::kIpOrganization, kNewest, kText},
    {kPayload, Key::kIpAddress, Slot::kIpAddress, kNewest, kText},
};

constexpr SlotRule kSteadyApp[] = {
    {kBody, Key::kExternalUrl, Slot::kExternalUrl, kNewest, kText},
    {kBody, Key::kExternalContact, Slot::kExternalContact, kNewest, kObject, &kEntityRefModel},
    {kPayload, Key::kUserAgentString, Slot::kUserAgent, kNewest, kText},
    {kPayload, Key::kBrowser, Slot::kBrowser, kNewest, kObject, &kBrowserModel},
    {kPayload, Key::kDevice, Slot::kDevice, kNewest, kObject, &kDeviceModel},
    {kPayload, Key::kGeolocation, Slot::kGeolocation, kNewest, kObject, &kGeolocationModel},
    {kPayload, Key::kIpOrganization, Slot::kIpOrganization, kNewest, kText},
    {kPayload, Key::kIpAddress, Slot::kIpAddress, kNewest, kText},
    {kPayload, Key::kApp, Slot::kApp, kNewest, kObject, &kAppModel},
    {kPayload, Key::kSdkLibrary, Slot::kSdkLibrary, kNewest, kObject, &kSdkLibraryModel},
    {kPayload, Key::kNetworkConnectivity, Slot::kNetworkConnectivity, kNewest, kObject, &kNetworkConnectivityModel},
};

constexpr SlotRule kOtherWeb[] = {
    {kPayload, Key::kMktCampaign, Slot::kCampaign, kOldest, kObject, &kCampaignModel},
    {kPayload, Key::kReferrer, Slot::kReferrer, kOldest, kObject, &kReferrerModel},
    {kPayload, Key::kPage, Slot::kPage, kNewest, kObject, &kPageModel},
};

constexpr SlotRule kOtherApp[] = {
    {kPayload, Key::kMktCampaign, Slot::kCampaign, kOldest, kObject, &kCampaignModel},
    {kPayload, Key::kReferrer, Slot::kReferrer, kOldest, kObject, &kReferrerModel},
};

constexpr SlotRule kOtherAction[] = {
    {kPayload, Key::kMktCampaign, Slot::kCampaign, kOldest, kObject, &kCampaignModel},
    {kPayload, Key::kVisitReferrer, Slot::kReferrer, kOldest, kObject, &kReferrerModel},
};

// Fields that every kind of detail event may bring; those of one kind are in session_join.cc.
constexpr SlotRule kOtherDetail[] = {
    {kBody, Key::kSubject, Slot::kSubject, kNewest, kText},
    {kBody, Key::kQueueId, Slot::kQueue, kNewest, kText},
    {kBody, Key::kDirection, Slot::kDirection, kOldest, kEnum, nullptr, &kDirectionEnum},
};

}  // namespace

std::span<const SlotRule> SteadyRules(EventKind kind) {
  switch (kind) {
    case EventKind::kWeb:
    case EventKind::kOutcomeAchieved:
    case EventKind::kWebAction:
      return kSteadyWeb;
    case EventKind::kApp:
      return kSteadyApp;
    case EventKind::kSegmentAssignment:
    case EventKind::kBare:
      return kSteadyBare;
    case EventKind::kDetail:
      return {};
  }
  return {};
}

std::span<const SlotRule> OtherRules(EventKind kind) {
  switch (kind) {
    case EventKind::kWeb:
      return kOtherWeb;
    case EventKind::kApp:
      return kOtherApp;
    case EventKind::kOutcomeAchieved:
    case EventKind::kWebAction:
      return kOtherAction;
    case EventKind::kSegmentAssignment:
    case EventKind::kBare:
      return {};
    case EventKind::kDetail:
      return kOtherDetail;
  }
  return {};
}

}  // namespace tidemark
