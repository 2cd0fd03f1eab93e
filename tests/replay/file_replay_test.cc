// A file as a partition: what reaches the sink, and what happens when the input or the sink breaks.
#include "ingest/file_replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/traffic_generator.h"
#include "tests/replay/test_files.h"

namespace tidemark {
namespace {

constexpr EventTime kNow{1'800'000'000'000};

class CountingSink : public Sink {
 public:
  absl::Status Session(const ClosedSession& session, const Source& source) override {
    events += session.events;
    topic = source.topic;
    return ++sessions > fail_after ? absl::ResourceExhaustedError("full") : absl::OkStatus();
  }
  absl::Status Late(const LateEvent&, const RecordContext&) override { return ++late, absl::OkStatus(); }
  absl::Status Dead(const DeadLetter& dead, const RecordContext&) override {
    dead_offsets.push_back(dead.record.offset.value);
    return absl::OkStatus();
  }
  absl::Status Flush() override { return ++flushes, absl::OkStatus(); }

  uint64_t fail_after = ~uint64_t{0};
  uint64_t sessions = 0, events = 0, late = 0, flushes = 0;
  std::vector<int64_t> dead_offsets;
  std::string topic;
};

std::string Traffic(int events) {
  TrafficGenerator generator(TrafficOptions{});
  std::string text;
  for (int i = 0; i < events; ++i) text.append(generator.Next().value) += '\n';
  return text;
}

FileReplayResult Replay(const std::string& path, Sink& sink) {
  auto reader = LineReader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  const Rules rules;
  return ReplayFile(*reader, rules, kNow, sink, nullptr);
}

TEST(FileReplay, EverythingClosesAtTheEndOfTheFile) {
  const TempDirectory dir;
  CountingSink sink;
  const FileReplayResult result = Replay(dir.Write("events", Traffic(2000)), sink);
  EXPECT_TRUE(result.input.ok() && result.output.ok());
  EXPECT_EQ(result.counters.records, 2000);
  EXPECT_EQ(sink.events, 2000);
  EXPECT_EQ(result.unfinished_sessions, 0);
  EXPECT_EQ(sink.topic, dir.Path("events"));
  EXPECT_GE(sink.flushes, 1);
}

TEST(FileReplay, OffsetsAreLineNumbersFromZero) {
  const TempDirectory dir;
  CountingSink sink;
  const std::string good = Traffic(1);
  Replay(dir.Write("events", "garbage\n" + good + "\n" + good + "more"), sink);
  EXPECT_THAT(sink.dead_offsets, testing::ElementsAre(0, 2, 4));
}

TEST(FileReplay, WhatWasOpenWhenTheInputBrokeOffIsCountedNotWritten) {
  const TempDirectory dir;
  CountingSink sink;
  const std::string packed = Gzip(Traffic(5000));
  const FileReplayResult result = Replay(dir.Write("cut.gz", packed.substr(0, packed.size() / 2)), sink);
  EXPECT_TRUE(absl::IsDataLoss(result.input)) << result.input;
  EXPECT_TRUE(result.output.ok());
  EXPECT_GT(result.unfinished_sessions, 0);
  EXPECT_GT(result.counters.records, 1000);
  EXPECT_LT(sink.events, result.counters.records);
}

TEST(FileReplay, AFailedSinkEndsTheReplayWithItsFirstError) {
  const TempDirectory dir;
  CountingSink sink;
  sink.fail_after = 3;
  const FileReplayResult result = Replay(dir.Write("events", Traffic(20'000)), sink);
  EXPECT_TRUE(absl::IsResourceExhausted(result.output));
  EXPECT_EQ(sink.sessions, 4) << "nothing more is written after the error";
  EXPECT_LT(result.counters.records, 20'000);
}

TEST(FileReplay, CountersAddUpOverFiles) {
  const TempDirectory dir;
  CountingSink sink;
  PartitionCounters sum;
  sum.Add(Replay(dir.Write("a", Traffic(100) + "x\n"), sink).counters);
  sum.Add(Replay(dir.Write("b", Traffic(50)), sink).counters);
  EXPECT_EQ(sum.records, 151);
  EXPECT_EQ(sum.outcomes[static_cast<int>(Outcome::kJoined)], 150);
  EXPECT_EQ(sum.dead_letters[static_cast<int>(DeadLetterReason::kInvalidJson)], 1);
  uint64_t closed = 0;
  for (const auto& of_type : sum.sessions_closed) {
    for (const uint64_t count : of_type) closed += count;
  }
  EXPECT_EQ(closed, sink.sessions);
}

}  // namespace
}  // namespace tidemark
