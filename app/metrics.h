// The job's numbers as Prometheus metric families; names and meanings are listed in the documentation.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "ingest/shard_snapshot.h"

namespace tidemark {

// More partitions than this are told as a minimum and a maximum.
inline constexpr size_t kMaxPartitionSeries = 500;

// `ready`: what /readyz says.
std::vector<prometheus::MetricFamily> CollectMetrics(const std::vector<ShardSnapshot>& shards, bool ready);

}  // namespace tidemark
