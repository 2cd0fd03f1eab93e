#include "core/common_values.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tidemark {
namespace {

using Source = CommonValues::Source;

// As long as a value has to be, and different for each number.
std::string BytesOf(uint64_t number) { return "a value that is worth a place " + std::to_string(number); }

CommonValue* Keep(const std::string& source, Slot slot, CommonValues& values) {
  const Source key(slot, source);
  CommonValue* const known = values.Find(key);
  return known != nullptr ? known : values.Add(key, source);
}

TEST(CommonValuesTest, AValueIsKnownFromTheSecondTimeOn) {
  CommonValues values;
  const std::string json = R"({"family":"Firefox","version":"145.0","isMobile":false})";
  const std::string packed = "what it was projected to, of 24 bytes and more";
  const Source source(Slot::kBrowser, json);
  EXPECT_EQ(values.Find(source), nullptr);
  EXPECT_EQ(values.Add(source, packed), nullptr);
  EXPECT_EQ(values.Find(source), nullptr);
  CommonValue* const value = values.Add(source, packed);
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(values.Find(source), value);
  EXPECT_EQ(value->bytes(), packed);
  EXPECT_EQ(values.Find(Source(Slot::kDevice, json)), nullptr) << "another model makes another value of it";
  EXPECT_EQ(values.Find(Source(Slot::kBrowser, json + " ")), nullptr);
}

TEST(CommonValuesTest, WhatIsTooShortOrTooLongIsNotKept) {
  CommonValues values;
  const std::string small = "short", large(10'000, 'x');
  for (int times = 0; times < 3; ++times) {
    EXPECT_EQ(Keep(small, Slot::kUserAgent, values), nullptr);
    EXPECT_EQ(Keep(large, Slot::kUserAgent, values), nullptr);
  }
}

TEST(CommonValuesTest, JsonIsMadeOnce) {
  CommonValues values;
  Keep(BytesOf(1), Slot::kPage, values);
  CommonValue* const value = Keep(BytesOf(1), Slot::kPage, values);
  ASSERT_NE(value, nullptr);
  ByteBuffer scratch;
  int made = 0;
  for (int times = 0; times < 3; ++times) {
    const std::string_view json = value->Json(scratch, [&](std::string_view bytes, ByteBuffer& out) {
      ++made;
      out.append("[");
      out.append(bytes);
      out.append("]");
    });
    EXPECT_EQ(json, "[" + BytesOf(1) + "]");
  }
  EXPECT_EQ(made, 1);
}

// More values than there are places, some of them referred to: what is referred to lives, what is found is right, and
// in the end all memory has been given back.
TEST(CommonValuesTest, ForgetsWhatItHasNoRoomFor) {
  CommonValues values;
  const uint64_t empty = values.bytes();
  std::mt19937_64 random(7);
  std::vector<std::pair<uint64_t, CommonValue*>> held;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t number = random() % 2'000;
    CommonValue* const value = Keep(BytesOf(number), Slot::kPage, values);
    if (value == nullptr) continue;
    ASSERT_EQ(value->bytes(), BytesOf(number));
    if (held.size() < 500) {
      value->Refer();
      held.emplace_back(number, value);
      continue;
    }
    auto& [old_number, old_value] = held[random() % held.size()];
    ASSERT_EQ(old_value->bytes(), BytesOf(old_number));
    value->Refer();
    old_value->Release();
    old_number = number;
    old_value = value;
  }
  ASSERT_EQ(held.size(), 500);
  EXPECT_LT(values.bytes(), empty + 800 * 300) << "what is found and what is held";
  for (const auto& [number, value] : held) value->Release();
  EXPECT_LT(values.bytes(), empty + 256 * 300) << "what is found";
}

TEST(CommonValuesTest, HasRoomForTheValuesOfMoreSessions) {
  CommonValues values;
  constexpr uint64_t kValues = 10'000;
  const auto found = [&values] {
    uint64_t count = 0;
    for (uint64_t i = 0; i < kValues; ++i) {
      const std::string bytes = BytesOf(i);
      count += values.Find(Source(Slot::kPage, bytes)) != nullptr ? 1 : 0;
    }
    return count;
  };
  const auto keep_all = [&values] {
    for (uint64_t i = 0; i < kValues; ++i) {
      Keep(BytesOf(i), Slot::kPage, values);
      Keep(BytesOf(i), Slot::kPage, values);
    }
  };
  keep_all();
  const uint64_t few = found();
  EXPECT_LE(few, 256);
  EXPECT_GT(few, 200);
  for (uint64_t sessions = 0; sessions < 20 * kValues; ++sessions) values.ExpectSessions(sessions);
  EXPECT_EQ(found(), few) << "none is lost where there is more room";
  keep_all();
  EXPECT_GT(found(), kValues * 9 / 10);
}

}  // namespace
}  // namespace tidemark
