// Event ids: a canonical UUID is kept as it is, any other text by its hash.
#include <gtest/gtest.h>

#include <string>

#include "core/collections.h"

namespace tidemark {
namespace {

const std::string kUuid = "0123abcd-4567-89ef-0f1e-2d3c4b5a6978";

TEST(EventIdTest, AUuidIsItsDigits) {
  const EventId id = MakeEventId(kUuid, EventTime{1});
  EXPECT_EQ(id.high, 0x0123abcd456789efU);
  EXPECT_EQ(id.low, 0x0f1e2d3c4b5a6978U);
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
      if (!digit || kUuid[place] == '-') continue;
      const std::string hex = text.substr(0, 8) + text.substr(9, 4) + text.substr(14, 4);
      EXPECT_EQ(MakeEventId(text, EventTime{1}).high, std::stoull(hex, nullptr, 16)) << text;
    }
  }
}

}  // namespace
}  // namespace tidemark
