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
  uint64_t fingerprint;
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
    EXPECT_EQ(store.FingerprintOf(slot), value->second.fingerprint);
  }
}

TEST(FieldStoreTest, IsAMapFromSlotToBytes) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    FieldStore store;
    std::map<Slot, Value> expected;
    for (int i = 0; i < 200; ++i) {
      const Slot slot = static_cast<Slot>(random() % static_cast<size_t>(Slot::kCount));
      const Value value{
          std::string(random() % (random() % 10 == 0 ? 5000 : 60), static_cast<char>('a' + random() % 26)),
          EventTime{static_cast<int64_t>(random() % 1'000'000)}, random()};
      store.Set(slot, value.time, value.bytes, value.fingerprint);
      expected[slot] = value;
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

}  // namespace
}  // namespace tidemark
