#include "core/event_rules.h"

namespace tidemark {
namespace {

using enum Keep;
using enum Shape;

constexpr SlotRule kJourneyEnvelope[] = {
    {Key::kExternalUrl, Slot::kExternalUrl, kNewest, kText},
    {Key::kExternalContact, Slot::kExternalContact, kNewest, kObject, &kEntityRefModel},
};

constexpr SlotRule kWebPayload[] = {
    {Key::kPage, Slot::kPage, kNewest, kObject, &kPageModel},
    {Key::kBrowser, Slot::kBrowser, kNewest, kObject, &kBrowserModel},
    {Key::kDevice, Slot::kDevice, kNewest, kObject, &kDeviceModel},
    {Key::kGeolocation, Slot::kGeolocation, kNewest, kObject, &kGeolocationModel},
    {Key::kIpAddress, Slot::kIpAddress, kNewest, kText},
    {Key::kIpOrganization, Slot::kIpOrganization, kNewest, kText},
    {Key::kUserAgentString, Slot::kUserAgent, kNewest, kText},
    {Key::kMktCampaign, Slot::kCampaign, kOldest, kObject, &kCampaignModel},
    {Key::kReferrer, Slot::kReferrer, kOldest, kObject, &kReferrerModel},
};

constexpr SlotRule kAppPayload[] = {
    {Key::kApp, Slot::kApp, kNewest, kObject, &kAppModel},
    {Key::kDevice, Slot::kDevice, kNewest, kObject, &kDeviceModel},
    {Key::kIpAddress, Slot::kIpAddress, kNewest, kText},
    {Key::kIpOrganization, Slot::kIpOrganization, kNewest, kText},
    {Key::kGeolocation, Slot::kGeolocation, kNewest, kObject, &kGeolocationModel},
    {Key::kSdkLibrary, Slot::kSdkLibrary, kNewest, kObject, &kSdkLibraryModel},
    {Key::kNetworkConnectivity, Slot::kNetworkConnectivity, kNewest, kObject, &kNetworkConnectivityModel},
    {Key::kMktCampaign, Slot::kCampaign, kOldest, kObject, &kCampaignModel},
    {Key::kReferrer, Slot::kReferrer, kOldest, kObject, &kReferrerModel},
    {Key::kUserAgentString, Slot::kUserAgent, kNewest, kText},
    {Key::kBrowser, Slot::kBrowser, kNewest, kObject, &kBrowserModel},
};

// Of outcome and web-action events; the outcome itself is not a slot of one value (session_join.cc).
constexpr SlotRule kActionPayload[] = {
    {Key::kUserAgentString, Slot::kUserAgent, kNewest, kText},
    {Key::kBrowser, Slot::kBrowser, kNewest, kObject, &kBrowserModel},
    {Key::kDevice, Slot::kDevice, kNewest, kObject, &kDeviceModel},
    {Key::kGeolocation, Slot::kGeolocation, kNewest, kObject, &kGeolocationModel},
    {Key::kIpAddress, Slot::kIpAddress, kNewest, kText},
    {Key::kIpOrganization, Slot::kIpOrganization, kNewest, kText},
    {Key::kMktCampaign, Slot::kCampaign, kOldest, kObject, &kCampaignModel},
    {Key::kVisitReferrer, Slot::kReferrer, kOldest, kObject, &kReferrerModel},
};

// Fields that every kind of detail event may bring; those of one kind are in session_join.cc.
constexpr SlotRule kDetailBody[] = {
    {Key::kSubject, Slot::kSubject, kNewest, kText},
    {Key::kQueueId, Slot::kQueue, kNewest, kText},
    {Key::kDirection, Slot::kDirection, kOldest, kEnum, nullptr, &kDirectionEnum},
};

}  // namespace

std::span<const SlotRule> BodyRules(EventKind kind) {
  if (kind == EventKind::kDetail) return kDetailBody;
  return kJourneyEnvelope;
}

std::span<const SlotRule> PayloadRules(EventKind kind) {
  switch (kind) {
    case EventKind::kWeb:
      return kWebPayload;
    case EventKind::kApp:
      return kAppPayload;
    case EventKind::kOutcomeAchieved:
    case EventKind::kWebAction:
      return kActionPayload;
    case EventKind::kSegmentAssignment:
    case EventKind::kBare:
    case EventKind::kDetail:
      return {};
  }
  return {};
}

}  // namespace tidemark
