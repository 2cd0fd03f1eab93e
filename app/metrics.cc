#include "app/metrics.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/kafka_handle.h"
#include "ingest/partition_work.h"

namespace tidemark {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array<std::string_view, kTypeRulesCount> kTypes{"web", "app", "conversation"};
constexpr std::array<std::string_view, kCommitResultCount> kResults{"ok", "aborted", "doubtful"};
constexpr double kMsPerSecond = 1000.0;

// One family under construction.
class Family {
 public:
  Family(std::string_view name, MetricType type, std::string_view help) {
    family_.name = fmt::format("tidemark_{}", name);
    family_.type = type;
    family_.help = help;
  }

  void Add(double value, Labels labels = {}) {
    ClientMetric& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }

  void AddHistogram(const ClientMetric::Histogram& histogram) { family_.metric.emplace_back().histogram = histogram; }

  MetricFamily Take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

class Collector {
 public:
  Collector(const std::vector<ShardSnapshot>& shards, bool ready) : shards_(shards), ready_(ready) {
    for (const ShardSnapshot& shard : shards) counters_.Add(shard.counters);
  }

  std::vector<MetricFamily> Collect() {
    AddRecords();
    AddSessions();
    AddPartitions();
    AddCommits();
    AddRecovery();
    AddHealth();
    return std::move(families_);
  }

 private:
  void Counter(std::string_view name, std::string_view help, uint64_t value) {
    Family family(name, MetricType::Counter, help);
    family.Add(static_cast<double>(value));
    families_.push_back(family.Take());
  }

  template <typename Field>
  uint64_t Sum(Field field) const {
    uint64_t total = 0;
    for (const ShardSnapshot& shard : shards_) total += field(shard);
    return total;
  }

  void AddRecords() {
    Counter("records_consumed_total", "Records read from the events topic.", counters_.records);
    Counter("record_bytes_total", "Bytes of their values.", counters_.record_bytes);
    Family events("events_total", MetricType::Counter, "What became of the records; adds up to the records consumed.");
    for (int i = 0; i < kOutcomeCount; ++i) {
      events.Add(static_cast<double>(counters_.outcomes[i]),
                 {{"outcome", std::string(ToString(static_cast<Outcome>(i)))}});
    }
    families_.push_back(events.Take());
    Family dead("dead_letters_total", MetricType::Counter, "Records that are no events, by reason.");
    for (int i = 0; i < kDeadLetterReasonCount; ++i) {
      dead.Add(static_cast<double>(counters_.dead_letters[i]),
               {{"reason", std::string(ToString(static_cast<DeadLetterReason>(i)))}});
    }
    families_.push_back(dead.Take());
    Family late("late_total", MetricType::Counter, "Events that came too late, by cause.");
    for (int i = 0; i < kLateReasonCount; ++i) {
      late.Add(static_cast<double>(counters_.late[i]), {{"cause", std::string(ToString(static_cast<LateReason>(i)))}});
    }
    families_.push_back(late.Take());
    Counter("events_out_of_order_total", "Joined events older than their session's last.", counters_.out_of_order);
    Counter("records_dropped_total", "Records handed out twice or for a partition that is not owned.",
            Sum([](const ShardSnapshot& shard) { return shard.records_dropped; }));
    Counter("records_without_value_total", "Records written without their value: over message.max.bytes.",
            Sum([](const ShardSnapshot& shard) { return shard.records_without_value; }));
  }

  void AddSessions() {
    Family opened("sessions_opened_total", MetricType::Counter, "Sessions opened, by type.");
    Family closed("sessions_closed_total", MetricType::Counter, "Sessions completed, by type and reason.");
    Family open("open_sessions", MetricType::Gauge, "Sessions open now, by type.");
    for (int type = 0; type < kTypeRulesCount; ++type) {
      const std::string name(kTypes[type]);
      opened.Add(static_cast<double>(counters_.sessions_opened[type]), {{"type", name}});
      open.Add(static_cast<double>(Sum([type](const ShardSnapshot& shard) { return shard.open_sessions[type]; })),
               {{"type", name}});
      for (int reason = 0; reason < kCloseReasonCount; ++reason) {
        closed.Add(static_cast<double>(counters_.sessions_closed[type][reason]),
                   {{"type", name}, {"reason", std::string(ToString(static_cast<CloseReason>(reason)))}});
      }
    }
    families_.push_back(opened.Take());
    families_.push_back(closed.Take());
    families_.push_back(open.Take());
    Counter("sessions_merged_total", "Open sessions that became part of another.", counters_.sessions_merged);
    Family tombstones("tombstones", MetricType::Gauge, "Sessions closed early that are still remembered.");
    tombstones.Add(static_cast<double>(Sum([](const ShardSnapshot& shard) { return shard.tombstones; })));
    families_.push_back(tombstones.Take());
    Family bytes("state_bytes", MetricType::Gauge, "Memory held for sessions, about.");
    bytes.Add(static_cast<double>(Sum([](const ShardSnapshot& shard) { return shard.state_bytes; })),
              {{"kind", "sessions"}});
    families_.push_back(bytes.Take());
  }

  // One series per partition, or its extremes when there are too many.
  template <typename Field>
  void PerPartition(std::string_view name, std::string_view help, Field field) {
    Family family(name, MetricType::Gauge, help);
    std::vector<std::pair<int32_t, double>> values;
    for (const ShardSnapshot& shard : shards_) {
      for (const PartitionSnapshot& partition : shard.partitions) {
        if (const std::optional<double> value = field(partition))
          values.emplace_back(partition.partition.value, *value);
      }
    }
    if (values.size() <= kMaxPartitionSeries) {
      for (const auto& [partition, value] : values) family.Add(value, {{"partition", fmt::to_string(partition)}});
    } else {
      const auto by_value = [](const auto& a, const auto& b) { return a.second < b.second; };
      const auto [least, most] = std::minmax_element(values.begin(), values.end(), by_value);
      family.Add(least->second, {{"partition", "min"}});
      family.Add(most->second, {{"partition", "max"}});
    }
    families_.push_back(family.Take());
  }

  void AddPartitions() {
    using Value = std::optional<double>;
    PerPartition("partition_lag_records", "Records not read yet; 0 exactly at the end.",
                 [](const PartitionSnapshot& p) { return p.lag_records ? Value(*p.lag_records) : std::nullopt; });
    PerPartition("partition_lag_seconds", "Age of the last record read while there are more; 0 at the end.",
                 [](const PartitionSnapshot& p) {
                   return p.lag ? Value(static_cast<double>(p.lag->ms) / kMsPerSecond) : std::nullopt;
                 });
    PerPartition("partition_watermark_timestamp_seconds", "The partition's watermark, in event time.",
                 [](const PartitionSnapshot& p) {
                   const bool known = p.watermark > kBeforeAllTime;
                   return known ? Value(static_cast<double>(p.watermark.ms) / kMsPerSecond) : std::nullopt;
                 });
    AddPartitionStates();
  }

  void AddPartitionStates() {
    std::array<uint64_t, kWorkStateCount> counts{};
    for (const ShardSnapshot& shard : shards_) {
      for (const PartitionSnapshot& partition : shard.partitions) ++counts[static_cast<size_t>(partition.state)];
    }
    Family states("partitions", MetricType::Gauge, "Assigned partitions by state.");
    const auto count = [&](WorkState state) { return static_cast<double>(counts[static_cast<size_t>(state)]); };
    states.Add(count(WorkState::kRunning), {{"state", "running"}});
    states.Add(count(WorkState::kWaiting) + count(WorkState::kLoading) + count(WorkState::kReplaying),
               {{"state", "recovering"}});
    states.Add(count(WorkState::kFailed), {{"state", "failed"}});
    families_.push_back(states.Take());
  }

  void AddCommits() {
    Family commits("commits_total", MetricType::Counter, "Transactions ended, by result.");
    for (int i = 0; i < kCommitResultCount; ++i) {
      const uint64_t count = Sum([i](const ShardSnapshot& shard) { return shard.commits[i]; });
      commits.Add(static_cast<double>(count), {{"result", std::string(kResults[i])}});
    }
    families_.push_back(commits.Take());
    Family duration("commit_duration_seconds", MetricType::Histogram, "How long ending a transaction took.");
    duration.AddHistogram(
        Histogram(kCommitBucketsMs, &ShardSnapshot::commit_buckets, &ShardSnapshot::commit_ms_total, kMsPerSecond));
    families_.push_back(duration.Take());
    Family last("last_commit_timestamp_seconds", MetricType::Gauge,
                "When the shard last committed; before it has, when it began.");
    Family lag("shard_lag_records", MetricType::Gauge, "The greatest lag of the shard's partitions.");
    for (const ShardSnapshot& shard : shards_) {
      const auto labels = [&] { return Labels{{"shard", fmt::to_string(shard.shard)}}; };
      last.Add(static_cast<double>(shard.last_commit.ms) / kMsPerSecond, labels());
      int64_t greatest = 0;
      for (const PartitionSnapshot& p : shard.partitions) greatest = std::max(greatest, p.lag_records.value_or(0));
      lag.Add(static_cast<double>(greatest), labels());
    }
    families_.push_back(last.Take());
    families_.push_back(lag.Take());
  }

  // `bounds`, and the total, in units of which `per_second` are a second.
  template <size_t n>
  ClientMetric::Histogram Histogram(const std::array<int64_t, n>& bounds,
                                    std::array<uint64_t, n + 1> ShardSnapshot::*buckets, uint64_t ShardSnapshot::*total,
                                    double per_second) const {
    ClientMetric::Histogram histogram;
    uint64_t count = 0;
    for (size_t i = 0; i <= n; ++i) {
      count += Sum([&](const ShardSnapshot& shard) { return (shard.*buckets)[i]; });
      const double bound =
          i < n ? static_cast<double>(bounds[i]) / per_second : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back({count, bound});
    }
    histogram.sample_count = count;
    histogram.sample_sum =
        static_cast<double>(Sum([&](const ShardSnapshot& shard) { return shard.*total; })) / per_second;
    return histogram;
  }

  void AddRecovery() {
    static constexpr std::array<std::string_view, kRecoveryResultCount> kRecoveryResults{"ok", "empty", "failed"};
    Family recoveries("recoveries_total", MetricType::Counter, "Partitions that came to work, by result.");
    for (size_t i = 0; i < kRecoveryResults.size(); ++i) {
      const uint64_t count = Sum([i](const ShardSnapshot& shard) { return shard.recoveries[i]; });
      recoveries.Add(static_cast<double>(count), {{"result", std::string(kRecoveryResults[i])}});
    }
    families_.push_back(recoveries.Take());
    const auto sum = [this](uint64_t ShardSnapshot::*field) {
      return Sum([field](const ShardSnapshot& shard) { return shard.*field; });
    };
    Family remaining("recovery_remaining_records", MetricType::Gauge, "Offsets still to be replayed.");
    remaining.Add(static_cast<double>(Sum([](const ShardSnapshot& shard) {
      int64_t total = 0;
      for (const PartitionSnapshot& partition : shard.partitions) total += partition.replay_remaining;
      return static_cast<uint64_t>(total);
    })));
    families_.push_back(remaining.Take());
    Counter("recovery_records_total", "Records replayed without effects.", sum(&ShardSnapshot::records_replayed));
    Counter("snapshots_total", "Snapshots completed.", sum(&ShardSnapshot::snapshots));
    Counter("snapshot_bytes_total", "Bytes of sessions written in snapshots.", sum(&ShardSnapshot::snapshot_bytes));
    Counter("snapshots_rejected_total", "Snapshots found in the state topic that were of no use.",
            sum(&ShardSnapshot::snapshots_rejected));
    Counter("state_records_damaged_total", "Records of the state topic that could not be read.",
            sum(&ShardSnapshot::state_records_damaged));
    Counter("commits_lost_total", "Acknowledged commits that the group does not have any more.",
            sum(&ShardSnapshot::commits_lost));
    Counter("audits_failed_total", "Times the group's commits were not those of this process.",
            sum(&ShardSnapshot::audits_failed));
    Family pause("snapshot_pause_seconds", MetricType::Histogram, "How long a turn of a snapshot kept a shard busy.");
    pause.AddHistogram(Histogram(kSnapshotPauseBucketsUs, &ShardSnapshot::snapshot_pause_buckets,
                                 &ShardSnapshot::snapshot_pause_us_total, 1e6));
    families_.push_back(pause.Take());
  }

  void AddHealth() {
    Counter("rebalances_total", "Assignments received from the group.",
            Sum([](const ShardSnapshot& shard) { return shard.rebalances; }));
    Family ready("ready", MetricType::Gauge,
                 "1 while the instance works on all that it was assigned, as /readyz says.");
    ready.Add(ready_ ? 1 : 0);
    families_.push_back(ready.Take());
    Family away("brokers_away", MetricType::Gauge, "1 while no broker answers.");
    away.Add(BrokersAway() ? 1 : 0);
    families_.push_back(away.Take());
    Family build("build_info", MetricType::Gauge, "Versions, as labels.");
    build.Add(1, {{"version", TIDEMARK_VERSION}, {"librdkafka", rd_kafka_version_str()}});
    families_.push_back(build.Take());
  }

  const std::vector<ShardSnapshot>& shards_;
  const bool ready_;
  PartitionCounters counters_;
  std::vector<MetricFamily> families_;
};

}  // namespace

std::vector<MetricFamily> CollectMetrics(const std::vector<ShardSnapshot>& shards, bool ready) {
  return Collector(shards, ready).Collect();
}

}  // namespace tidemark
