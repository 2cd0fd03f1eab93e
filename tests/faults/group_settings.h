// The settings of a group under test, and of its broker: everything gives up soon, so that a run is short.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/rules.h"
#include "tests/broker/tidemark_process.h"

namespace tidemark::testing {

inline constexpr char kGroup[] = "faults";
inline constexpr int64_t kSessionTimeoutMs = 3'000;
inline constexpr int64_t kTransactionTimeoutMs = 5'000;
inline constexpr char kBrokerProperties[] =
    "group.min.session.timeout.ms=1000\n"
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=500\n"
    "broker.heartbeat.interval.ms=500\n"
    "broker.session.timeout.ms=2000\n";

// Short time-outs: many sessions, and the last ones close soon after the load has ended.
Settings GroupSettings(int partitions);

// The rules that a process with these settings has.
Rules RulesOf(const Settings& settings);

}  // namespace tidemark::testing
