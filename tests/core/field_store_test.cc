// Random operations on a store against a std::map.
#include "core/field_store.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

namespace tidemark {
namespace {

struct Value {
  std::string bytes;
  EventTime time;
};

void ExpectEqual(const FieldStore& store, const std::map<Slot, Value>& expected) {
  for (size_t i = 0; i < static_cast<size_t>(Slot::kCount); ++i) {
    const Slot slot = static_cast<Slot>(i);
    const auto value = expected.find(slot);
    ASSERT_EQ(store.Has(slot), value != expected.end());
    if (value == expected.end()) {
      EXPECT_EQ(store.Get(slot), "");
      continue;
    }
    EXPECT_EQ(store.Get(slot), value->second.bytes);
    EXPECT_EQ(store.TimeOf(slot), value->second.time);
  }
}

// Any time but for the few that a slot without one has.
EventTime RandomTime(std::mt19937_64& random) {
  return random() % 10 == 0 ? kBeforeAllTime : EventTime{static_cast<int64_t>(random() % 253'402'300'800'000)};
}

std::string RandomBytes(std::mt19937_64& random) {
  return std::string(random() % (random() % 10 == 0 ? 5000 : 60), static_cast<char>('a' + random() % 26));
}

// Of more than can be found, so that some of those referred to are forgotten; null where this one is new.
CommonValue* AnyCommonValue(std::mt19937_64& random, Slot slot, CommonValues& common) {
  const std::string bytes(100 + random() % 900, static_cast<char>('a' + random() % 2));
  const CommonValues::Source source(slot, bytes);
  CommonValue* const known = common.Find(source);
  return known != nullptr ? known : common.Add(source, bytes);
}

TEST(FieldStoreTest, IsAMapFromSlotToBytes) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    CommonValues common;
    FieldStore store;
    std::map<Slot, Value> expected;
    for (int i = 0; i < 200; ++i) {
      const Slot slot = static_cast<Slot>(random() % static_cast<size_t>(Slot::kCount));
      const bool is_new = !expected.contains(slot);
      const std::string bytes = RandomBytes(random);
      Value& value = expected[slot];
      if (CommonValue* const known = random() % 4 == 0 ? AnyCommonValue(random, slot, common) : nullptr) {
        value = {std::string(known->bytes()), RandomTime(random)};
        store.Refer(slot, value.time, *known);
        EXPECT_EQ(store.Common(slot), known);
      } else if (random() % 3 == 0 && store.Common(slot) == nullptr) {
        store.Append(slot, bytes);
        if (is_new) value.time = kBeforeAllTime;
        value.bytes += bytes;
      } else {
        value = {bytes, RandomTime(random)};
        store.Set(slot, value.time, bytes);
      }
      if (random() % 20 == 0) {
        FieldStore moved = std::move(store);
        store = std::move(moved);
      }
    }
    ExpectEqual(store, expected);
    const Slot kept = expected.begin()->first;
    store.KeepOnly(kept);
    ExpectEqual(store, {*expected.begin()});
  }
}

TEST(FieldStoreTest, SlotsThatShareTheirTimeMoveOnTogether) {
  FieldStore store;
  store.Set(Slot::kBrowser, EventTime{10}, "firefox");
  store.Set(Slot::kDevice, EventTime{10}, "desktop");
  store.Set(Slot::kPage, EventTime{10}, "home");
  EXPECT_FALSE(store.Renew(0, EventTime{20})) << "nothing is shared yet";
  store.Share(FieldStore::Bit(Slot::kBrowser) | FieldStore::Bit(Slot::kDevice), EventTime{10}, 77);
  EXPECT_FALSE(store.Renew(77, EventTime{9})) << "an older event";
  EXPECT_FALSE(store.Renew(78, EventTime{20})) << "other bytes";
  EXPECT_TRUE(store.Renew(77, EventTime{20}));
  ExpectEqual(store, {{Slot::kBrowser, {"firefox", EventTime{20}}},
                      {Slot::kDevice, {"desktop", EventTime{20}}},
                      {Slot::kPage, {"home", EventTime{10}}}});

  store.Set(Slot::kPage, EventTime{25}, "cart");
  EXPECT_TRUE(store.Renew(77, EventTime{25})) << "the page has no part in it";
  store.Set(Slot::kDevice, EventTime{30}, "mobile");
  EXPECT_FALSE(store.Renew(77, EventTime{40})) << "one of them was set by itself";
  ExpectEqual(store, {{Slot::kBrowser, {"firefox", EventTime{25}}},
                      {Slot::kDevice, {"mobile", EventTime{30}}},
                      {Slot::kPage, {"cart", EventTime{25}}}});
}

TEST(FieldStoreTest, WhatALargeValueLeavesIsUsedAgain) {
  const std::string large(1 << 20, 'x');
  FieldStore store;
  store.Set(Slot::kExternalId, EventTime{1}, "y");
  store.Set(Slot::kLastEvent, EventTime{1}, "behind it");
  for (int i = 0; i < 20; ++i) {
    store.Set(Slot::kExternalId, EventTime{1}, i % 2 == 0 ? large : "y");
    EXPECT_EQ(store.Get(Slot::kLastEvent), "behind it");
    EXPECT_EQ(store.Get(Slot::kExternalId), i % 2 == 0 ? large : "y");
  }
  EXPECT_LT(store.bytes(), 2 * large.size());
}

TEST(FieldStoreTest, TakesOverValuesFromAnother) {
  CommonValues common;
  const std::string bytes(100, 'b');
  const CommonValues::Source source(Slot::kBrowser, bytes);
  EXPECT_EQ(common.Add(source, bytes), nullptr) << "seen once";
  CommonValue* const value = common.Add(source, bytes);
  ASSERT_NE(value, nullptr);
  FieldStore taker;
  {
    FieldStore giver;
    giver.Refer(Slot::kBrowser, EventTime{10}, *value);
    giver.Set(Slot::kPage, EventTime{20}, "home");
    taker.CopyFrom(giver, Slot::kBrowser);
    taker.CopyFrom(giver, Slot::kPage);
  }
  EXPECT_EQ(taker.Common(Slot::kBrowser), value);
  EXPECT_EQ(taker.Common(Slot::kPage), nullptr);
  ExpectEqual(taker, {{Slot::kBrowser, {bytes, EventTime{10}}}, {Slot::kPage, {"home", EventTime{20}}}});
}

}  // namespace
}  // namespace tidemark
