// Event ids: a canonical UUID is kept as it is, any other text by its hash.
#include <absl/strings/str_format.h>
#include <gtest/gtest.h>

#include <string>

#include "core/collections.h"

namespace tidemark {
namespace {

constexpr size_t kVariant = 19;  // where a UUID has its variant
const std::string kUuid = "0123abcd-4567-89ef-8f1e-2d3c4b5a6978";

TEST(EventIdTest, AUuidIsItsDigits) {
  const EventId id = MakeEventId(kUuid, EventTime{1});
  EXPECT_EQ(id.high, 0x0123abcd456789efU);
  EXPECT_EQ(id.low, 0x8f1e2d3c4b5a6978U);
}

// All digits are read at once: whatever stands in one place, the id is that of this text and no other's.
TEST(EventIdTest, AnyOtherTextHasAnotherId) {
  const EventId uuid = MakeEventId(kUuid, EventTime{1});
  for (size_t place = 0; place < kUuid.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = kUuid;
      text[place] = static_cast<char>(byte);
      EXPECT_EQ(MakeEventId(text, EventTime{1}).SameAs(uuid), text == kUuid) << text;
      const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
      if (!digit || kUuid[place] == '-' || place == kVariant) continue;
      const std::string hex = text.substr(0, 8) + text.substr(9, 4) + text.substr(14, 4);
      EXPECT_EQ(MakeEventId(text, EventTime{1}).high, std::stoull(hex, nullptr, 16)) << text;
    }
  }
}

// The UUID that has a text's hash for its digits, and one that has that of a CorrelationId.
TEST(EventIdTest, AUuidIsNeverTheHashOfAnotherId) {
  const auto digits = [](const EventId& id) {
    const std::string hex = absl::StrFormat("%016x%016x", id.high, id.low);
    return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' + hex.substr(16, 4) + '-' +
           hex.substr(20);
  };
  const EventId text = MakeEventId("abc", EventTime{1});
  const EventId correlation = MakeCorrelatedEventId("abc", "page_viewed", EventTime{1});
  EXPECT_FALSE(text.SameAs(correlation));
  for (const EventId& id : {text, correlation}) {
    EXPECT_FALSE(MakeEventId(digits(id), EventTime{1}).SameAs(id)) << digits(id);
  }
}

// The variant is what tells them apart: one that no RFC has makes a UUID a text.
TEST(EventIdTest, AUuidOfAnotherVariantIsATextOfItsOwn) {
  std::string other = kUuid;
  for (const char digit : std::string("01234567cdef")) {
    other[kVariant] = digit;
    EXPECT_EQ(MakeEventId(other, EventTime{1}).low >> 62, 3U) << other;
  }
}

}  // namespace
}  // namespace tidemark
