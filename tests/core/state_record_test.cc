// State records: what was encoded is decoded, and nothing else is.
#include "core/state_record.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace tidemark {
namespace {

Rules OddRules() {
  Rules rules;
  rules.timeout = {Seconds(1), Seconds(2), Seconds(3)};
  rules.end_events = {"", "bye", std::string("a\0b", 3)};
  rules.list_attributes = {"tags"};
  rules.pageview_events.clear();
  rules.dedup_horizon = 0;
  rules.max_event_bytes = 1 << 30;
  return rules;
}

std::string RulesBytes(const Rules& rules) {
  std::string bytes;
  EncodeRules(rules, bytes);
  return bytes;
}

std::string Encoded(const StateRecord& record) {
  std::string bytes;
  EncodeStateRecord(record, bytes);
  return bytes;
}

template <typename T>
T RoundTrip(const T& record, std::string& bytes) {
  bytes = Encoded(record);
  const auto decoded = DecodeStateRecord(bytes);
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return std::get<T>(*decoded);
}

TEST(StateRecordTest, DecisionsComeBack) {
  std::string bytes;
  const Decision moved = RoundTrip(Decision{7, Offset{123}, WatermarkMoved{EventTime{-5}}}, bytes);
  EXPECT_EQ(moved.number, 7U);
  EXPECT_EQ(moved.before, Offset{123});
  EXPECT_EQ(std::get<WatermarkMoved>(moved.what).watermark, EventTime{-5});
  const Decision changed = RoundTrip(Decision{8, Offset{1'000'000'000'000}, RulesChanged{OddRules()}}, bytes);
  EXPECT_EQ(RulesBytes(std::get<RulesChanged>(changed.what).rules), RulesBytes(OddRules()));
  EXPECT_NE(RulesBytes(OddRules()), RulesBytes(Rules{}));
}

TEST(StateRecordTest, SnapshotsComeBack) {
  std::string bytes;
  const SnapshotChunk chunk = RoundTrip(SnapshotChunk{300, 2, "sessions"}, bytes);
  EXPECT_EQ(chunk.snapshot, 300U);
  EXPECT_EQ(chunk.index, 2U);
  EXPECT_EQ(chunk.sessions, "sessions");
  const SnapshotEnd end =
      RoundTrip(SnapshotEnd{300, 3, 1'000'000, Offset{5}, 4, kBeforeAllTime, 0xFFFFFFFFFFFFFFFF, OddRules()}, bytes);
  EXPECT_EQ(end.chunks, 3U);
  EXPECT_EQ(end.sessions, 1'000'000U);
  EXPECT_EQ(end.next, Offset{5});
  EXPECT_EQ(end.decisions, 4U);
  EXPECT_EQ(end.watermark, kBeforeAllTime);
  EXPECT_EQ(end.digest, 0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(RulesBytes(end.rules), RulesBytes(OddRules()));
}

TEST(StateRecordTest, EveryDamagedByteIsFound) {
  const std::string bytes = Encoded(SnapshotEnd{3, 1, 2, Offset{5}, 4, EventTime{6}, 7, OddRules()});
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xFF'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      EXPECT_EQ(DecodeStateRecord(damaged).status().code(), absl::StatusCode::kInvalidArgument) << i;
    }
    EXPECT_FALSE(DecodeStateRecord(bytes.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(DecodeStateRecord(bytes + "x").ok());
}

// Others must be able to read it: CRC-32C as it is defined, computed bit by bit.
TEST(StateRecordTest, TheChecksumIsCrc32c) {
  std::string bytes = Encoded(Decision{1, Offset{0}, WatermarkMoved{EventTime{0}}});
  uint32_t stored = 0;
  std::memcpy(&stored, bytes.data() + bytes.size() - sizeof(stored), sizeof(stored));
  uint32_t crc = ~0U;  // bit by bit
  for (const char c : bytes.substr(0, bytes.size() - sizeof(stored))) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  EXPECT_EQ(stored, ~crc);
}

TEST(StateRecordTest, AnyBytesAreTaken) {
  std::mt19937_64 random(1);
  std::string bytes;
  for (int run = 0; run < 20'000; ++run) {
    bytes = run % 2 == 0 ? "TIDE\x01" : "";
    bytes.resize(bytes.size() + random() % 100);
    for (size_t i = run % 2 == 0 ? 5 : 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(random());
    EXPECT_FALSE(DecodeStateRecord(bytes).ok());
  }
}

}  // namespace
}  // namespace tidemark
