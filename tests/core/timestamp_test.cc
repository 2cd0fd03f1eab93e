#include "core/timestamp.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

std::string Format(EventTime time) {
  std::string out;
  AppendTimestamp(time, out);
  return out;
}

TEST(TimestampTest, ReadsEveryFormOfTheContract) {
  const EventTime time{1763980200123};
  for (const char* text :
       {"2025-11-24T10:30:00.123Z", "2025-11-24T10:30:00.123999999Z", "2025-11-24T12:30:00.123+02:00",
        "2025-11-24T12:30:00.123+0200", "2025-11-24T00:31:00.123-0959", "2025-11-24T10:30:00.123-00:00"}) {
    EXPECT_EQ(ParseTimestamp(text), time) << text;
  }
  EXPECT_EQ(ParseTimestamp("2025-11-24T10:30:00.1Z"), EventTime{1763980200100});
  EXPECT_EQ(ParseTimestamp("2025-11-24T10:30:00Z"), EventTime{1763980200000});
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00Z"), EventTime{0});
  EXPECT_EQ(ParseTimestamp("9999-12-31T23:59:59.999Z"), kLatestEventTime);
  EXPECT_TRUE(ParseTimestamp("2024-02-29T00:00:00Z").has_value());
  EXPECT_TRUE(ParseTimestamp("2025-11-24T10:30:00+23:59").has_value());
}

// The usual form is read another way than all others: one more digit makes the same time of it.
TEST(TimestampTest, TheUsualFormIsReadAsAnyOther) {
  const std::string usual = "2025-11-24T10:30:00.123Z";
  for (size_t place = 0; place < usual.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = usual;
      text[place] = static_cast<char>(byte);
      std::string longer = text;
      longer.insert(usual.size() - 1, "0");
      if (place == usual.size() - 1 && byte >= '0' && byte <= '9') continue;  // no zone either way
      EXPECT_EQ(ParseTimestamp(text), ParseTimestamp(longer)) << text;
    }
  }
}

TEST(TimestampTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "2025-11-24",
                           "2025-11-24T10:30:00",
                           "2025-11-24 10:30:00Z",
                           "2025-11-24T10:30Z",
                           "2025-11-24T10:30:00.Z",
                           "2025-11-24t10:30:00Z",
                           "2025-11-24T10:30:00z",
                           "2025-02-29T10:30:00Z",
                           "2025-13-01T00:00:00Z",
                           "2025-00-01T00:00:00Z",
                           "2025-11-31T00:00:00Z",
                           "2025-11-24T24:00:00Z",
                           "2025-11-24T10:60:00Z",
                           "2025-11-24T10:30:60Z",
                           "2025-11-24T10:30:00+24:00",
                           "2025-11-24T10:30:00+02",
                           "2025-11-24T10:30:00+02:60",
                           "2025-11-24T10:30:00Z ",
                           " 2025-11-24T10:30:00Z",
                           "1969-12-31T23:59:59.999Z",
                           "1970-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59.999-00:01",
                           "+2025-11-24T10:30:00Z",
                           "2025-11-24T10:30:00,5Z",
                           "24 Nov 2025",
                           "1763980200000"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(TimestampTest, WritesWhatItReads) {
  for (int64_t ms = 0; ms < kLatestEventTime.ms; ms += 97'777'777'777) {
    EXPECT_EQ(ParseTimestamp(Format(EventTime{ms})), EventTime{ms}) << ms;
  }
  EXPECT_EQ(Format(EventTime{1763980200007}), "2025-11-24T10:30:00.007Z");
}

}  // namespace
}  // namespace tidemark
