// The verdict: reads all topics of a run that has ended and compares what was written with the reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/rules.h"
#include "tests/broker/kafka_admin.h"
#include "tests/faults/decision_log.h"
#include "tests/faults/ledger.h"

namespace tidemark::testing {

struct OutputTopics {
  std::string events = "journey-events";
  std::string sessions = "sessions";
  std::string late = "sessions-late";
  std::string dead_letters = "sessions-dead-letters";
};

struct Verdict {
  uint64_t records = 0, sessions = 0, late = 0, dead_letters = 0;
  uint64_t moves = 0;      // decisions that moved a watermark
  uint64_t snapshots = 0;  // whose digest was compared
  Differences differences;
  std::vector<std::string> problems;  // with decisions and snapshots; each counts as wrong

  bool good() const { return differences.none() && problems.empty(); }
};

Verdict CheckRun(KafkaAdmin& admin, const OutputTopics& topics, const Rules& rules,
                 const std::vector<PartitionLog>& logs, const std::string& directory);

}  // namespace tidemark::testing
