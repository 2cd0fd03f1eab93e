// A run: a broker, a load, processes of tidemark, and faults until so many processes have been killed. Main thread; the
// load, the proxy and the reader of the state topic have their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "tests/broker/kafka_admin.h"
#include "tests/broker/kafka_server.h"
#include "tests/faults/check.h"
#include "tests/faults/fault_plan.h"
#include "tests/faults/kafka_proxy.h"
#include "tests/faults/load.h"
#include "tests/faults/member.h"

namespace tidemark::testing {

struct FaultOptions {
  int kills = 20;
  uint64_t seed = 1;
  double events_per_second = 300;
  std::string directory;
  std::string program;            // tidemark with crash points
  std::vector<std::string> sets;  // further settings, KEY=VALUE
};

struct FaultCounts {
  int kills = 0;
  int at_crash_points = 0;
  int stops = 0;
  int broker_restarts = 0;
  int rebalances = 0;
  int end_txn_faults = 0;
  int unasked_ends = 0;  // of processes, though nobody told them to; recovery has to cope with it
  // Of them: by an assertion of librdkafka, when partitions are assigned in quick succession. Counted and printed only.
  int librdkafka_aborts = 0;
  int bad_ends = 0;  // with a signal, or with an exit code that says that there is a bug or that a person is needed
};

class FaultRun {
 public:
  explicit FaultRun(FaultOptions options);
  ~FaultRun();

  // False: something that is not tidemark's fault; the reason was printed.
  bool Prepare();
  void Disturb();
  // Undisturbed until all is consumed and closed. False: that did not come about.
  bool Settle();
  // Nothing: the check itself failed, which is not tidemark's fault; the reason was printed.
  std::optional<Verdict> Check();

  const FaultCounts& counts() const { return counts_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  Settings MemberSettings(const std::string& name) const;
  bool CreateTopics();

  void Turn();
  void NoteDeath(Member& member, const Death& death);
  void TurnGuest(Clock::time_point now);
  void Inject(const Fault& fault);
  void Kill(Member& member, Milliseconds until_restart);
  void CrashAt(const std::string& point);
  void Freeze();
  void RestartBroker();
  void ArmEndTxn();
  void ToggleGuest();
  Member* Choose();
  Milliseconds AnyRestartDelay();
  Milliseconds Between(int64_t low_ms, int64_t high_ms);
  void WaitForNext();
  bool AllReady();
  bool StopAll();
  double OpenSessions();
  void Say(const std::string& text) const;

  const FaultOptions options_;
  const Clock::time_point start_ = Clock::now();
  FaultPlan plan_;
  FaultCounts counts_;
  KafkaProxy proxy_;
  std::unique_ptr<KafkaServer> kafka_;
  std::unique_ptr<KafkaAdmin> admin_;
  std::unique_ptr<DecisionLog> decisions_;
  std::unique_ptr<Load> load_;
  std::vector<std::unique_ptr<Member>> members_;  // the last one is the guest, who comes and goes
  int guest_toggles_ = 0;                         // to come
  Clock::time_point next_toggle_;
  bool settling_ = false;
};

}  // namespace tidemark::testing
