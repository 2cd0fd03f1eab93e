#include "tests/faults/group_settings.h"

#include <gtest/gtest.h>

#include "app/config_loader.h"

namespace tidemark::testing {

Settings GroupSettings(int partitions) {
  return {{"session.timeout.web", "30s"},
          {"session.timeout.app", "20s"},
          {"session.timeout.conversation", "40s"},
          {"session.max_duration.web", "90s"},
          {"session.max_duration.app", "60s"},
          {"session.max_duration.conversation", "120s"},
          {"session.conversation_linger", "5s"},
          {"time.max_out_of_orderness", "5s"},
          {"time.idle_partition_after", "1s"},
          {"kafka.group", kGroup},
          {"kafka.shards", "2"},
          {"kafka.partitions", std::to_string(partitions)},
          {"kafka.commit_interval", "200ms"},
          {"state.snapshot_interval", "3s"},
          {"kafka.properties.session.timeout.ms", std::to_string(kSessionTimeoutMs)},
          {"kafka.properties.heartbeat.interval.ms", "500"},
          {"kafka.properties.transaction.timeout.ms", std::to_string(kTransactionTimeoutMs)},
          {"kafka.properties.reconnect.backoff.max.ms", "500"}};
}

Rules RulesOf(const Settings& settings) {
  std::vector<std::string> sets;
  for (const auto& [key, value] : settings) sets.push_back(key + "=" + value);
  const auto config = LoadConfig({.file = "", .environment = {}, .sets = sets});
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? config->config.rules : Rules();
}

}  // namespace tidemark::testing
