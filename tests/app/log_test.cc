// The log: its two forms, its limits, and that lines of many threads stay whole.
#include "sinks/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "app/logging.h"

namespace tidemark {
namespace {

constexpr int64_t kNoon = 1'700'000'000'123;  // 2023-11-14T22:13:20.123Z

TEST(LogLine, AsJsonHasTheFieldsInTheirOrder) {
  const std::string reason = "down";  // a field is a view: its value must live until the line is written
  const LogField fields[] = {{"topic", "events"}, {"partition", 3}, {"err", reason}, {"fatal", false}};
  const LogRecord record{LogLevel::kWarn, "broker_away", "no broker answers", fields, "check the network", 2};
  EXPECT_EQ(LogLineAsJson(record, kNoon),
            R"({"ts":"2023-11-14T22:13:20.123Z","level":"warn","msg":"no broker answers","code":"broker_away",)"
            R"("do":"check the network","topic":"events","partition":3,"err":"down","fatal":false,"repeats":2})");
}

TEST(LogLine, AsJsonStaysJsonWhateverTheTextIs) {
  const std::string nasty("\"\\\n\t\0\x7F\xFF\xC3\xA9\xED\xA0\x80", 12);
  const LogField fields[] = {{"err", nasty}};
  const std::string line = LogLineAsJson({LogLevel::kError, "c", nasty, fields, "", 0}, kNoon);
  const auto json = nlohmann::json::parse(line);  // throws if it is none
  EXPECT_THAT(json.at("err").get<std::string>(), testing::HasSubstr("\xC3\xA9"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(LogLine, AsTextIsShortAndColouredOnlyWhenAsked) {
  const LogField fields[] = {{"partition", 3}};
  const LogRecord record{LogLevel::kInfo, "running", "running", fields, "relax", 0};
  EXPECT_EQ(LogLineAsText(record, kNoon, false), "22:13:20 info  running partition=3 [running]\n  -> relax");
  EXPECT_THAT(LogLineAsText(record, kNoon, true), testing::HasSubstr("\033[32minfo"));
}

TEST(LogLimiter, LeavesOutRepeatsAndTellsTheirCount) {
  LogLimiter limiter;
  for (uint32_t i = 0; i < LogLimiter::kBurst; ++i) EXPECT_EQ(limiter.Admit({"a"}, 1'000), 0u);
  EXPECT_EQ(limiter.Admit({"a"}, 1'001), std::nullopt);
  EXPECT_EQ(limiter.Admit({"a"}, 1'000 + LogLimiter::kWindowMs - 1), std::nullopt);
  EXPECT_EQ(limiter.Admit({"b"}, 1'001), 0u);  // another code is not held up
  EXPECT_EQ(limiter.Admit({"a"}, 1'000 + LogLimiter::kWindowMs), 2u);
  EXPECT_TRUE(limiter.TakeSuppressed().empty());
}

TEST(LogLimiter, KnowsWhatWasNeverTold) {
  LogLimiter limiter;
  for (uint32_t i = 0; i < LogLimiter::kBurst + 3; ++i) limiter.Admit({"a"}, 0);
  EXPECT_EQ(limiter.TakeSuppressed().at({"a"}), 3u);
  EXPECT_TRUE(limiter.TakeSuppressed().empty());
}

TEST(Log, NamesEveryPartitionThatHasFailed) {
  constexpr int kPartitions = 16;
  std::vector<int64_t> named;
  uint64_t left_out = 0;
  SetLogHandler([&](const LogRecord& record) {
    left_out += record.suppressed;
    if (record.code == "test_failed" && !record.fields.empty()) named.push_back(std::get<0>(record.fields[0].value));
  });
  for (int i = 0; i < kPartitions; ++i) Log(LogLevel::kError, "test_failed", "it failed", {{"partition", i}});
  EXPECT_EQ(named.size(), size_t{kPartitions});
  for (int i = 0; i < 100; ++i) Log(LogLevel::kError, "test_failed", "it failed again", {{"partition", 3}});
  EXPECT_EQ(named.size(), kPartitions + LogLimiter::kBurst - 1) << "one partition does not flood the log";
  FlushLog();
  SetLogHandler({});
  EXPECT_EQ(named.size() + left_out, kPartitions + 100u);
}

TEST(Log, CountsWhatIsNoErrorForAllPartitionsTogether) {
  uint64_t lines = 0;
  SetLogHandler([&](const LogRecord&) { ++lines; });
  for (int i = 0; i < 16; ++i) Log(LogLevel::kInfo, "test_loaded", "it is there", {{"partition", i}});
  EXPECT_EQ(lines, LogLimiter::kBurst);
  FlushLog();
  SetLogHandler({});
}

TEST(Log, TellsEveryLineBelowInfoToWhoAsksForThem) {
  uint64_t lines = 0;
  SetLogHandler([&](const LogRecord&) { ++lines; });
  SetLogLevel(LogLevel::kDebug);
  for (int i = 0; i < 100; ++i) Log(LogLevel::kDebug, "test_detail", "a detail");
  SetLogLevel(LogLevel::kInfo);
  SetLogHandler({});
  EXPECT_EQ(lines, 100U);
}

TEST(Log, CountsEveryLineOfEveryThread) {
  uint64_t lines = 0;
  SetLogHandler([&](const LogRecord& record) {  // called by one thread at a time: needs no lock
    lines += record.suppressed + (record.message == "hello" ? 1 : 0);
  });
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) Log(LogLevel::kInfo, "test_line", "hello", {{"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  FlushLog();
  SetLogHandler({});
  EXPECT_EQ(lines, 400u);
}

TEST(Log, LeavesOutLevelsBelowTheLeast) {
  int lines = 0;
  SetLogHandler([&](const LogRecord&) { ++lines; });
  SetLogLevel(LogLevel::kWarn);
  Log(LogLevel::kInfo, "low", "not seen");
  Log(LogLevel::kWarn, "high", "seen");
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  SetLogLevel(LogLevel::kInfo);
  SetLogHandler({});
  EXPECT_EQ(lines, 1);
}

}  // namespace
}  // namespace tidemark
