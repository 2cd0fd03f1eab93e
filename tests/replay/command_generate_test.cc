// `tidemark generate` as a user meets it. Kafka as its destination is tested beside the other Kafka parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/exit_codes.h"
#include "core/timestamp.h"
#include "tests/replay/test_files.h"

namespace tidemark {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(GenerateCommand, SameSeedSameBytes) {
  const TempDirectory dir;
  Shell(dir,
        "$TIDEMARK generate --events 500 --seed 3 --mix mixed --garbage 5% --out a; "
        "$TIDEMARK generate --events 500 --seed 3 --mix mixed --garbage 0.05 > b; "
        "$TIDEMARK generate --events 500 --seed 4 --mix mixed --garbage 0.05 > c");
  EXPECT_THAT(SplitLines(dir.Read("a")), SizeIs(500));
  EXPECT_EQ(dir.Read("a"), dir.Read("b"));
  EXPECT_NE(dir.Read("a"), dir.Read("c"));
}

TEST(GenerateCommand, StartAndMix) {
  const TempDirectory dir;
  const Finished finished = Shell(dir, "$TIDEMARK generate --events 1 --mix app --start 2024-02-29T12:00:00Z");
  const auto event = nlohmann::json::parse(finished.out);
  EXPECT_EQ(event.at("createdDate"), "2024-02-29T12:00:00.000Z");
  EXPECT_TRUE(event.contains("appEvent"));
  EXPECT_THAT(finished.err, HasSubstr("generated 1 events"));
}

TEST(GenerateCommand, ARateIsKeptAndTheTimesAreTheClocks) {
  const TempDirectory dir;
  const auto seconds = [&](const char* command) { return std::stoll(Shell(dir, command).out); };
  const int64_t before = seconds("date +%s");
  const auto began = std::chrono::steady_clock::now();
  const std::vector<std::string> lines =
      SplitLines(Shell(dir, "$TIDEMARK generate --events 26 --rate 50 --live --small").out);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(480)) << "50 a second";
  const int64_t after = seconds("date +%s");
  ASSERT_THAT(lines, SizeIs(26));
  for (const std::string& line : lines) {
    const auto time = ParseTimestamp(nlohmann::json::parse(line).at("createdDate").get<std::string>());
    ASSERT_TRUE(time);
    EXPECT_GE(time->ms, before * 1000) << line;
    EXPECT_LE(time->ms, (after + 1) * 1000) << line;
  }
}

TEST(GenerateCommand, WrongOptionsAreUsageErrors) {
  const TempDirectory dir;
  for (const std::string wrong : {"", "--events 1 --garbage 2", "--events 1 --late x%", "--events 1 --mix mail",
                                  "--events 1 --start yesterday", "--events 1 --visitors 0", "--events -5",
                                  "--events 1 --seed -1", "--events 1 --out x --set kafka.brokers=localhost:1"}) {
    const Finished finished = Shell(dir, "$TIDEMARK generate " + wrong);
    EXPECT_EQ(finished.code, kExitUsage) << wrong;
    EXPECT_THAT(finished.out, IsEmpty());
  }
}

// What was made is whole, and told.
TEST(GenerateCommand, AStopSignalEndsItAfterTheEventAtHand) {
  const TempDirectory dir;
  const std::string stop = " --out events & while ! test -s events; do :; done; kill -TERM $!; wait $!";
  const Finished until_stopped = Shell(dir, "$TIDEMARK generate --events 0" + stop);
  EXPECT_EQ(until_stopped.code, kExitOk);
  EXPECT_THAT(until_stopped.err, HasSubstr("generated "));
  EXPECT_THAT(dir.Read("events"), EndsWith("}\n"));
  EXPECT_EQ(Shell(dir, "rm events; $TIDEMARK generate --events 1000000000" + stop).code, kExitInterrupted);
}

TEST(GenerateCommand, ClosedPipesAndFullDisks) {
  const TempDirectory dir;
  const Finished closed = Shell(dir, "set -o pipefail; $TIDEMARK generate --events 0 | head -1 > /dev/null");
  EXPECT_EQ(closed.code, 141);
  EXPECT_THAT(closed.err, IsEmpty());
  const Finished full = Shell(dir, "$TIDEMARK generate --events 1000 --out /dev/full");
  EXPECT_EQ(full.code, kExitCannotWrite);
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace tidemark
