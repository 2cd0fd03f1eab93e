// No memory is asked for per event: what an event needs is scratch that was used before, or room in its session's
// block.
//
// Counts every operator new and malloc of this thread. It stands alone in its program, because it replaces them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "core/partition.h"

namespace {

thread_local uint64_t g_allocations = 0;

}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_realloc(void* block, size_t size);
void* malloc(size_t size) {
  ++g_allocations;
  return __libc_malloc(size);
}
void* realloc(void* block, size_t size) {
  ++g_allocations;
  return __libc_realloc(block, size);
}
}

namespace tidemark {
namespace {

class NoEffects : public Effects {
 public:
  void OnSession(const ClosedSession&) override { ++sessions; }
  void OnLate(const LateEvent&) override {}
  void OnDeadLetter(const DeadLetter&) override {}

  uint64_t sessions = 0;
};

std::string Digits(uint64_t value, size_t width) {
  std::string digits = std::to_string(value);
  return std::string(width - digits.size(), '0') + digits;
}

// A web event of a visitor: the same browser every time, another page, another value of an attribute.
std::string WebEvent(uint64_t visitor, uint64_t number, int64_t time_ms) {
  return R"({"id":"3f2504e0-4f89-41d3-9a0c-)" + Digits(number, 12) + R"(","customerId":"visitor-)" +
         Digits(visitor, 6) + R"(","customerIdType":"cookie","createdDate":)" + std::to_string(time_ms) +
         R"(,"webEvent":{"eventName":"page_viewed","page":{"url":"https://shop.example.com/)" + Digits(number % 7, 4) +
         R"(","title":"Page"},"browser":{"family":"Firefox","version":"145.0","isMobile":false},)" +
         R"("ipAddress":"203.0.113.7","attributes":{"cart":{"dataType":"NUMBER","value":")" + Digits(number % 90, 2) +
         R"("}}}})";
}

constexpr uint64_t kVisitors = 50;

// Rounds of one event of each visitor, a second apart.
std::vector<std::string> Rounds(uint64_t first, uint64_t rounds) {
  std::vector<std::string> events;
  for (uint64_t round = first; round < first + rounds; ++round) {
    for (uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
      events.push_back(
          WebEvent(visitor, round * kVisitors + visitor, 1'700'000'000'000 + static_cast<int64_t>(round) * 1000));
    }
  }
  return events;
}

uint64_t AllocationsOf(const std::vector<std::string>& events, Partition& partition, NoEffects& effects,
                       int64_t& offset) {
  const uint64_t before = g_allocations;
  for (const std::string& event : events) {
    EXPECT_EQ(partition.Apply({event, Offset{offset++}, kAfterAllTime}, effects), Outcome::kJoined);
  }
  return g_allocations - before;
}

TEST(AllocationTest, TheCounterCounts) {
  const uint64_t before = g_allocations;
  std::vector<char> block(1000);
  EXPECT_NE(block.data(), nullptr);
  EXPECT_EQ(g_allocations - before, 1);
}

TEST(AllocationTest, AnEventOfAnOpenSessionAsksForNoMemory) {
  Rules rules;
  rules.dedup_horizon = 16;  // ids are what a session keeps getting more of, up to the horizon
  Partition partition(PartitionId{0}, rules);
  NoEffects effects;
  int64_t offset = 0;
  AllocationsOf(Rounds(0, 40), partition, effects, offset);
  EXPECT_EQ(AllocationsOf(Rounds(40, 200), partition, effects, offset), 0);
  EXPECT_EQ(partition.open_sessions(), kVisitors);
}

// Sessions that open and close ask for a block, and a few times for a larger one while it fills.
TEST(AllocationTest, ASessionAsksForItsBlock) {
  Partition partition(PartitionId{0}, Rules{});
  NoEffects effects;
  int64_t offset = 0;
  const auto visit = [&](int64_t day) {
    std::vector<std::string> events;
    for (uint64_t step = 0; step < 10; ++step) {
      for (uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
        const auto number = (static_cast<uint64_t>(day) * 10 + step) * kVisitors + visitor;
        events.push_back(
            WebEvent(visitor, number, 1'700'000'000'000 + day * 86'400'000 + static_cast<int64_t>(step) * 1000));
      }
    }
    return events;
  };
  for (int64_t day = 0; day < 5; ++day) AllocationsOf(visit(day), partition, effects, offset);
  EXPECT_LE(AllocationsOf(visit(5), partition, effects, offset), 6 * kVisitors) << "of 10 events each";
  EXPECT_EQ(effects.sessions, 5 * kVisitors);
}

}  // namespace
}  // namespace tidemark
