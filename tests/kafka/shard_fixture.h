// A shard on a broker and a clock in memory, for the tests of the shard.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "ingest/commit_metadata.h"
#include "ingest/shard.h"
#include "tests/kafka/fake_broker.h"

namespace tidemark {

inline constexpr PartitionId kP0{0};
inline constexpr PartitionId kP1{1};

// An event of a web session, `minute` minutes into 2024-01-01.
inline std::string Event(const std::string& session, int minute, const std::string& name = "page_viewed") {
  return fmt::format(
      R"({{"id":"{0}-{1}-{2}","session":{{"id":"{0}","type":"web"}},"createdDate":"2024-01-01T{3:02}:{4:02}:00Z",)"
      R"("webEvent":{{"eventName":"{2}"}}}})",
      session, minute, name, minute / 60, minute % 60);
}

class ShardTest : public testing::Test {
 protected:
  ShardTest() {
    ShardOptions options;
    options.shard = 3;
    options.incarnation = "test";
    shard_.emplace(options, broker_, clock_, heartbeat_);
  }

  // One turn, after the time of a commit interval: whatever is to be committed is.
  void Step() {
    clock_.Advance(Seconds(1));
    ASSERT_TRUE(shard_->Step(Duration{0}).ok());
  }

  void Assign(std::vector<PartitionId> partitions) {
    broker_.GiveChange(AssignmentChange::kAssigned, std::move(partitions));
    Step();
    Step();  // begins
  }

  // Another process of the same instance, which knows nothing but what Kafka has.
  void StartAgain(const Rules& rules = {}) {
    ShardOptions options;
    options.shard = 3;
    options.rules = rules;
    options.incarnation = fmt::format("test{}", ++starts_);
    shard_.emplace(options, broker_, clock_, heartbeat_);
    broker_.assigned.clear();
  }

  ShardSnapshot Snapshot() const {
    ShardSnapshot snapshot;
    shard_->FillSnapshot(snapshot);
    return snapshot;
  }

  int CountOf(const std::string& topic) const {
    return static_cast<int>(std::count_if(broker_.written.begin(), broker_.written.end(),
                                          [&](const WrittenRecord& record) { return record.topic == topic; }));
  }

  uint64_t OpenSessions() const { return Snapshot().open_sessions[0]; }

  ManualClock clock_;
  FakeBroker broker_{clock_};
  ShardHeartbeat heartbeat_;
  std::optional<Shard> shard_;
  int starts_ = 0;
};

}  // namespace tidemark
