// What the numbers on /metrics are made of. That each is explained: documents_test.cc.
#include "app/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidemark {
namespace {

using Family = prometheus::MetricFamily;

std::optional<Family> Find(const std::vector<ShardSnapshot>& shards, const std::string& name) {
  for (Family& family : CollectMetrics(shards, true)) {
    if (family.name == "tidemark_" + name) return std::move(family);
  }
  return std::nullopt;
}

// By the value of a gauge's only label.
std::map<std::string, double> Gauge(const std::vector<ShardSnapshot>& shards, const std::string& name) {
  std::map<std::string, double> values;
  const std::optional<Family> family = Find(shards, name);
  if (!family) return values;
  for (const auto& metric : family->metric) values[metric.label.at(0).value] = metric.gauge.value;
  return values;
}

TEST(Metrics, ReadyIsWhatTheProbeSays) {
  for (const bool ready : {false, true}) {
    double value = -1;
    for (const Family& family : CollectMetrics({}, ready)) {
      if (family.name == "tidemark_ready") value = family.metric.at(0).gauge.value;
    }
    EXPECT_EQ(value, ready ? 1 : 0);
  }
}

ShardSnapshot ShardWith(uint32_t number, int partitions) {
  ShardSnapshot shard;
  shard.shard = number;
  for (int32_t i = 0; i < partitions; ++i) {
    PartitionSnapshot& partition = shard.partitions.emplace_back();
    partition.partition = {i};
    partition.state = WorkState::kRunning;
    partition.lag_records = i;
  }
  return shard;
}

TEST(Metrics, ManyPartitionsHaveTheirExtremes) {
  const int most = static_cast<int>(kMaxPartitionSeries);
  EXPECT_EQ(Gauge({ShardWith(0, most)}, "partition_lag_records").size(), kMaxPartitionSeries);
  const std::map<std::string, double> extremes{{"min", 0}, {"max", most}};
  EXPECT_EQ(Gauge({ShardWith(0, most + 1)}, "partition_lag_records"), extremes);
}

TEST(Metrics, PartitionsByState) {
  ShardSnapshot shard = ShardWith(0, 5);
  shard.partitions[0].state = WorkState::kLoading;
  shard.partitions[1].state = WorkState::kReplaying;
  shard.partitions[2].state = WorkState::kWaiting;
  shard.partitions[3].state = WorkState::kFailed;
  const std::map<std::string, double> states{{"running", 1}, {"recovering", 3}, {"failed", 1}};
  EXPECT_EQ(Gauge({shard}, "partitions"), states);
}

TEST(Metrics, WhatTheAlertOfCommitsJoins) {
  ShardSnapshot quiet;
  quiet.shard = 1;
  quiet.last_commit = {1'500};
  const std::map<std::string, double> lag{{"0", 6}, {"1", 0}};
  EXPECT_EQ(Gauge({ShardWith(0, 7), quiet}, "shard_lag_records"), lag);
  EXPECT_EQ(Gauge({ShardWith(0, 7), quiet}, "last_commit_timestamp_seconds").at("1"), 1.5);
}

TEST(Metrics, HistogramsAreCumulativeOverAllShards) {
  ShardSnapshot one;
  one.commit_buckets[0] = 2;
  one.commit_buckets[1] = 1;
  ShardSnapshot other;
  other.commit_buckets.back() = 4;
  const auto family = Find({one, other}, "commit_duration_seconds");
  ASSERT_TRUE(family);
  const auto& histogram = family->metric.at(0).histogram;
  EXPECT_EQ(histogram.bucket.at(0).cumulative_count, 2U);
  EXPECT_EQ(histogram.bucket.at(1).cumulative_count, 3U);
  EXPECT_EQ(histogram.bucket.back().cumulative_count, 7U);
  EXPECT_EQ(histogram.sample_count, 7U);
}

}  // namespace
}  // namespace tidemark
