#include "tests/sim/sim_plan.h"

#include <algorithm>

#include "tests/model/random_stream.h"

namespace tidemark::sim {
namespace {

constexpr int64_t kMaxRecords = 120;

SimRecord MakeInput(Random& random, std::string value, EventTime timestamp) {
  SimRecord record;
  record.value = std::move(value);
  record.timestamp = timestamp;
  if (random.Percent(70)) record.key = "key" + std::to_string(random.Below(3));
  if (random.Percent(20)) record.headers.push_back({"trace", "t" + std::to_string(random.Below(100))});
  if (random.Percent(5)) record.headers.push_back({"nothing", std::nullopt});
  if (random.Percent(1)) record.value.reset();
  return record;
}

void AddRecords(uint64_t seed, Random& random, SimPlan& plan) {
  for (int32_t partition = 0; partition < plan.partitions; ++partition) {
    model::RandomStream stream = model::MakeRandomStream(seed * 64 + static_cast<uint64_t>(partition));
    if (partition < 2) plan.rules.push_back(stream.rules);
    const int64_t share = kMaxRecords / plan.partitions;
    stream.lines.resize(std::min(stream.lines.size(), static_cast<size_t>(share)));
    std::vector<SimRecord>& records = plan.records.emplace_back();
    for (std::string& line : stream.lines) {
      records.push_back(MakeInput(random, std::move(line), stream.process_start));
    }
  }
  if (random.Percent(70)) plan.rules.resize(1);
}

SimFaults RandomFaults(Random& random) {
  SimFaults faults;
  faults.unavailable = random.Pick<int64_t>({0, 10, 150});
  faults.transaction_fails = random.Pick<int64_t>({0, 3, 20});
  faults.commit_not_done = random.Pick<int64_t>({0, 20, 100});
  faults.commit_not_told = random.Pick<int64_t>({0, 20, 100});
  faults.commit_slow = random.Pick<int64_t>({0, 20, 100});
  faults.old_records = random.Pick<int64_t>({0, 100, 400});
  if (random.Percent(20)) faults.state_damaged = random.Pick<int64_t>({50, 200, 500});
  faults.truncate_lost = random.Pick<int64_t>({0, 300});
  return faults;
}

SimDisturbances RandomDisturbances(Random& random) {
  SimDisturbances disturbances;
  disturbances.others_act_at_call = random.Pick<int64_t>({0, 10, 50});
  disturbances.freezes_at_call = random.Pick<int64_t>({0, 0, 1, 3});
  disturbances.kills = random.Pick<int64_t>({0, 5, 20});
  disturbances.stops = random.Pick<int64_t>({0, 3, 10});
  disturbances.starts = random.Pick<int64_t>({10, 20, 40});
  disturbances.pauses = random.Pick<int64_t>({0, 0, 3});
  disturbances.outages = random.Pick<int64_t>({0, 0, 3});
  disturbances.added_partitions = 2;
  return disturbances;
}

KafkaOptions RandomKafkaOptions(Random& random) {
  KafkaOptions options;
  options.commit_interval = Milliseconds(random.Pick<int64_t>({100, 500, 1000}));
  options.snapshot_interval = Seconds(random.Pick<int64_t>({1, 5, 20, 120}));
  options.recovery_target = Seconds(random.Pick<int64_t>({0, 10, 10, 10}));
  options.idle_partition_after = Seconds(random.Pick<int64_t>({1, 5, 30}));
  return options;
}

}  // namespace

SimPlan MakeSimPlan(uint64_t seed) {
  Random random(seed);
  SimPlan plan;
  plan.partitions = static_cast<int32_t>(random.Between(1, 6));
  plan.partitions_at_start =
      random.Percent(70) ? plan.partitions : static_cast<int32_t>(random.Between(1, plan.partitions));
  plan.shards = static_cast<uint32_t>(random.Between(1, 2));
  plan.instances = static_cast<int>(random.Between(1, 4));
  plan.actions = static_cast<int>(random.Between(200, 1000));
  plan.event_time_speed = random.Percent(80) ? 1 : 10;
  plan.max_record_bytes = random.Pick<uint64_t>({1'000'000, 1'000'000, 3'000, 600});
  plan.kafka = RandomKafkaOptions(random);
  AddRecords(seed, random, plan);
  if (random.Percent(95)) plan.faults = RandomFaults(random);
  if (random.Percent(95)) plan.disturbances = RandomDisturbances(random);
  return plan;
}

}  // namespace tidemark::sim
