// What is in a topic of sessions, as a read-committed consumer sees it: how many, and the sum of their "eventCount".
//
//   topic_count_bench BROKERS TOPIC PARTITIONS
//
// Prints a line of JSON.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/broker/kafka_admin.h"

namespace {

uint64_t EventCount(std::string_view json) {
  constexpr std::string_view kName = R"("eventCount":)";
  const size_t found = json.find(kName);
  uint64_t count = 0;
  if (found != std::string_view::npos) {
    std::from_chars(json.data() + found + kName.size(), json.data() + json.size(), count);
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: topic_count_bench BROKERS TOPIC PARTITIONS\n");
    return EXIT_FAILURE;
  }
  tidemark::testing::KafkaAdmin admin(argv[1]);
  uint64_t sessions = 0, events = 0;
  admin.ForEachCommitted(argv[2], std::atoi(argv[3]), [&](const tidemark::testing::StoredRecord& record) {
    ++sessions;
    events += EventCount(record.value.value_or(""));
  });
  // The admin's failures are those of a test without a test.
  if (testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed()) return EXIT_FAILURE;
  fmt::print(R"({{"sessions":{},"events":{}}})"
             "\n",
             sessions, events);
}
