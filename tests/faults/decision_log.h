// What the state topic has ever held: read continuously, since tidemark deletes what lies before its snapshots.
//
// Decisions are inputs of a partition, as its records are, so the check needs all of them. Snapshots are only noted: at
// which place what digest was claimed. A thread of its own until Finish; the rest is for afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/state_record.h"
#include "tests/faults/wall_clock.h"

namespace tidemark::testing {

struct LoggedDecision {
  Decision decision;
  int64_t logged_ms = 0;  // by the clock of the process that took it
};

struct PartitionLog {
  std::map<uint64_t, LoggedDecision> decisions;  // by number
  std::vector<SnapshotEnd> snapshots;
  std::vector<std::string> problems;  // records that are none, decisions that contradict each other
  int64_t wall_clock_moved_ms = 0;    // meanwhile
};

class DecisionLog {
 public:
  DecisionLog(std::string address, std::string topic, int partitions);
  ~DecisionLog();
  DecisionLog(const DecisionLog&) = delete;
  DecisionLog& operator=(const DecisionLog&) = delete;

  // Waits until everything before `ends` has been read. False: it could not be.
  bool Finish(const std::vector<int64_t>& ends);
  // Something was deleted before it was read: this log says nothing, and the reader was too slow.
  bool overtaken() const { return overtaken_; }
  const std::vector<PartitionLog>& partitions() const { return logs_; }

 private:
  void Run();
  void Take(PartitionLog& log, std::string_view bytes, int64_t offset, int64_t logged_ms);

  const std::string address_, topic_;
  WallClockWatch wall_clock_;                  // the thread's
  std::vector<PartitionLog> logs_;             // the thread's until it is joined
  std::vector<std::atomic<int64_t>> read_to_;  // everything committed before it was read
  std::atomic<bool> stop_{false}, overtaken_{false};
  std::thread thread_;
};

}  // namespace tidemark::testing
