// Everything a run is given at its beginning; the seed decides all of it. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "core/rules.h"
#include "core/types.h"
#include "ingest/kafka_options.h"
#include "tests/sim/sim_broker.h"
#include "tests/sim/sim_log.h"

namespace tidemark::sim {

// How often what happens to processes, in a thousand actions or calls.
struct SimDisturbances {
  int64_t others_act_at_call = 0;
  int64_t freezes_at_call = 0;
  int64_t kills = 0;
  int64_t stops = 0;
  int64_t starts = 0;
  int64_t pauses = 0;
  int64_t outages = 0;
  int64_t added_partitions = 0;
};

struct SimPlan {
  int32_t partitions = 1;           // at the end
  int32_t partitions_at_start = 1;  // the others are added to the topic while it runs
  uint32_t shards = 1;              // of a process
  int instances = 1;
  int actions = 0;  // before the end begins
  int event_time_speed = 1;
  uint64_t max_record_bytes = 1'000'000;
  KafkaOptions kafka;
  std::vector<Rules> rules;                     // a process starts with one of these
  std::vector<std::vector<SimRecord>> records;  // of each partition
  SimFaults faults;
  SimDisturbances disturbances;
};

SimPlan MakeSimPlan(uint64_t seed);

}  // namespace tidemark::sim
