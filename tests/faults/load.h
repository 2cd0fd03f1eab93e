// A continuous load: generated events with disorder, late ones, duplicates and garbage, and with quiet spells, in which
// some or all partitions have no records for a while. Event time runs faster than the clock, and in some of the spells
// it stands still, so that what comes afterwards is behind a watermark that the clock has moved.
//
// A thread of its own; Stop waits until every record is delivered. The records are whatever the topic then holds: the
// producer writes each once, in order, across restarts of the broker.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace tidemark::testing {

struct LoadOptions {
  std::string address;  // of the broker
  std::string topic;
  int partitions = 1;
  uint64_t seed = 1;
  double events_per_second = 300;
  int event_time_speed = 10;  // how much faster than the clock
};

class Load {
 public:
  explicit Load(const LoadOptions& options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // The last record is written and all are delivered; false: some never were.
  bool Stop();

  uint64_t written() const { return written_; }
  int quiet_spells() const { return quiet_spells_; }

 private:
  void Run();

  const LoadOptions options_;
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<int> quiet_spells_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tidemark::testing
