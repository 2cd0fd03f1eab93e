// The dialect: which JSON key of which kind of event feeds which field of the session, by which rule (spec section 2,
// and the payload table of the model). One row each; JoinSession walks the rows of the event's kind. A new dialect is
// a new table.
#pragma once

#include <cstdint>
#include <span>

#include "core/event.h"
#include "core/object_model.h"

namespace tidemark {

// What a session stores, apart from the numbers in its header. The order is the order in its block.
enum class Slot : uint8_t {
  kKey,        // packed SessionKey
  kEventIds,   // fixed-size entries, ordered by event time
  kLastEvent,  // packed id, name
  kAttributes,
  kPage,
  kCustomer,  // packed id, type; explicit keys only: a customer key says it itself
  kExternalId,
  kExternalUrl,
  kExternalContact,
  kSelfUri,
  kBrowser,
  kDevice,
  kGeolocation,
  kIpAddress,
  kIpOrganization,
  kUserAgent,
  kApp,
  kSdkLibrary,
  kNetworkConnectivity,
  kReferrer,
  kCampaign,
  kAttributeLists,
  kSearchTerms,
  kOutcomes,
  kSegments,
  kSubject,
  kChannels,
  kDirection,
  kQueue,
  kUser,
  kDisposition,
  kDisconnectType,
  kAcdOutcome,
  kLegs,
  kCount
};

// Whether many sessions are likely to have the same value there (common_values.h).
constexpr bool IsCommon(Slot slot) {
  switch (slot) {
    case Slot::kPage:
    case Slot::kBrowser:
    case Slot::kDevice:
    case Slot::kGeolocation:
    case Slot::kUserAgent:
    case Slot::kApp:
    case Slot::kSdkLibrary:
    case Slot::kNetworkConnectivity:
    case Slot::kReferrer:
    case Slot::kCampaign:
      return true;
    default:
      return false;
  }
}

// How values of several events become one.
enum class Keep : uint8_t { kNewest, kOldest };

// How a value is read.
enum class Shape : uint8_t { kText, kObject, kEnum };

// Whose member it is: the event's own, or its payload's.
enum class Part : uint8_t { kBody, kPayload };

struct SlotRule {
  Part part;
  Key key;
  Slot slot;
  Keep keep;
  Shape shape;
  const ObjectModel* object = nullptr;
  const EnumModel* spellings = nullptr;
};

// The rows of an event of that kind whose value is nearly always the same in all events of a session (they are
// recognised together; each keeps the newest), and the others.
std::span<const SlotRule> SteadyRules(EventKind kind);
std::span<const SlotRule> OtherRules(EventKind kind);

}  // namespace tidemark
