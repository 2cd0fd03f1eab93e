// The dialect: which JSON key of which kind of event feeds which field of the session, by which rule (spec section 2,
// and the payload table of the model). One row each; Session::Join walks the rows of the event's kind. A new dialect is
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

// How values of several events become one.
enum class Keep : uint8_t { kNewest, kOldest };

// How a value is read.
enum class Shape : uint8_t { kText, kObject, kEnum };

struct SlotRule {
  Key key;
  Slot slot;
  Keep keep;
  Shape shape;
  const ObjectModel* object = nullptr;
  const EnumModel* spellings = nullptr;
};

// Rows that read the event's own members, and rows that read its payload's.
std::span<const SlotRule> BodyRules(EventKind kind);
std::span<const SlotRule> PayloadRules(EventKind kind);

}  // namespace tidemark
