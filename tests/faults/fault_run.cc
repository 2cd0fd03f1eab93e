#include "tests/faults/fault_run.h"

#include <fmt/format.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "app/exit_codes.h"
#include "tests/faults/group_settings.h"

namespace tidemark::testing {
namespace {

constexpr int kPartitions = 6;
constexpr int kMembers = 2;  // and a guest
constexpr std::chrono::milliseconds kTurn{20};
constexpr std::chrono::seconds kReadyLimit{15};
constexpr std::chrono::seconds kSettleLimit{240};
constexpr std::chrono::seconds kStopLimit{30};
constexpr char kAssertionOfLibrdkafka[] = ": rdkafka_";

bool IsBad(int exit_code) {
  return exit_code > 128 || exit_code == kExitInternal || exit_code == kExitConfig || exit_code < 0;
}

}  // namespace

FaultRun::FaultRun(FaultOptions options) : options_(std::move(options)), plan_(options_.seed) {}

FaultRun::~FaultRun() = default;

Settings FaultRun::MemberSettings(const std::string& name) const {
  Settings settings = GroupSettings(kPartitions);
  settings["kafka.brokers"] = fmt::format("127.0.0.1:{}", proxy_.port());
  settings["kafka.instance_id"] = name;
  for (const std::string& set : options_.sets) settings[set.substr(0, set.find('='))] = set.substr(set.find('=') + 1);
  return settings;
}

void FaultRun::Say(const std::string& text) const {
  const auto since = std::chrono::duration_cast<Milliseconds>(Clock::now() - start_);
  std::cout << fmt::format("{:8.2f} ", static_cast<double>(since.count()) / 1000) << text << std::endl;
}

bool FaultRun::Prepare() {
  Say("starting Kafka");
  kafka_ =
      KafkaServer::Start(options_.directory + "/kafka", {.proxy_port = proxy_.port(), .properties = kBrokerProperties});
  if (!kafka_) return false;
  proxy_.Start(kafka_->port_behind_proxy());
  admin_ = std::make_unique<KafkaAdmin>(kafka_->address());
  if (!CreateTopics()) return false;
  decisions_ = std::make_unique<DecisionLog>(kafka_->address(), std::string(kGroup) + "-state", kPartitions);
  LoadOptions load{kafka_->address(), OutputTopics().events, kPartitions, options_.seed, options_.events_per_second};
  load_ = std::make_unique<Load>(load);
  for (const std::string name : {"first", "second", "guest"}) {
    members_.push_back(std::make_unique<Member>(options_.program, name, MemberSettings(name), options_.directory));
    if (name != "guest") members_.back()->StartAt(Clock::now());
  }
  Turn();
  if (Eventually(kReadyLimit * 2, [this] { return Turn(), AllReady(); })) return true;
  std::cout << "the processes do not become ready\n" << (members_[0]->alive() ? members_[0]->run().Log() : "");
  return false;
}

// The events carry the broker's time, so that it is known in which order records and decisions came.
bool FaultRun::CreateTopics() {
  admin_->CreateTopic(OutputTopics().events, kPartitions, {{"message.timestamp.type", "LogAppendTime"}});
  const Finished created = RunTidemark("topics", {"--create"}, MemberSettings("first"), options_.directory);
  if (created.exit_code != 0) std::cout << created.output << created.errors;
  return created.exit_code == 0;
}

// ---- faults

void FaultRun::Disturb() {
  const auto done = [this] {
    return counts_.kills >= options_.kills && (options_.kills < 20 || plan_.at_end_of_deck());
  };
  while (options_.kills > 0 && !done()) {
    Inject(plan_.Next());
    WaitForNext();
  }
}

FaultRun::Milliseconds FaultRun::Between(int64_t low_ms, int64_t high_ms) {
  return Milliseconds(plan_.random().Between(low_ms, high_ms));
}

// Some faults meet processes at work, others those that still recover from the last one.
void FaultRun::WaitForNext() {
  const auto until = Clock::now() + Between(200, 2'500);
  while (Clock::now() < until) {
    std::this_thread::sleep_for(kTurn);
    Turn();
  }
  if (plan_.random().Below(2) == 0) Eventually(kReadyLimit, [this] { return Turn(), AllReady(); });
}

bool FaultRun::AllReady() {
  for (const auto& member : members_) {
    const bool guest = member == members_.back();
    if (guest && !member->alive()) continue;
    if (!member->Ready()) return false;
  }
  return true;
}

void FaultRun::Turn() {
  const auto now = Clock::now();
  for (const auto& member : members_) {
    if (member->MissedCrash(now)) {
      Say(member->name() + " did not come to its crash point");
      Kill(*member, AnyRestartDelay());
    }
    const auto death = member->Turn(now);
    if (death) NoteDeath(*member, *death);
  }
  TurnGuest(now);
  counts_.end_txn_faults = proxy_.triggered();
}

void FaultRun::NoteDeath(Member& member, const Death& death) {
  Say(death.text);
  const bool killed = death.exit_code == 128 + SIGKILL;
  counts_.kills += killed;
  counts_.at_crash_points += killed && death.text.find("died at") != std::string::npos;
  counts_.unasked_ends += !death.asked;
  if (death.exit_code == 128 + SIGABRT && death.text.find(kAssertionOfLibrdkafka) != std::string::npos) {
    ++counts_.librdkafka_aborts;
  } else {
    counts_.bad_ends += !death.asked && IsBad(death.exit_code);
  }
  const bool guest = &member == members_.back().get();
  if (!guest && !member.due()) member.StartAt(Clock::now() + AnyRestartDelay());
}

void FaultRun::TurnGuest(Clock::time_point now) {
  if (guest_toggles_ == 0 || now < next_toggle_) return;
  --guest_toggles_;
  next_toggle_ = now + Between(300, 3'000);
  ToggleGuest();
}

void FaultRun::ToggleGuest() {
  Member& guest = *members_.back();
  ++counts_.rebalances;
  if (!guest.alive()) {
    Say("the guest joins");
    guest.StartAt(Clock::now());
  } else if (plan_.random().Below(4) == 0) {
    Say("the guest is killed");
    guest.Kill();
  } else {
    Say("the guest leaves");
    guest.Stop();
  }
}

void FaultRun::Inject(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kKill:
      if (Member* member = Choose()) {
        Say("kill -9 " + member->name());
        Kill(*member, AnyRestartDelay());
      }
      break;
    case FaultKind::kKillAll:
      Say("kill -9 all");
      for (const auto& member : members_) {
        if (member->alive()) Kill(*member, AnyRestartDelay());
      }
      break;
    case FaultKind::kCrash:
      CrashAt(fault.crash_at);
      break;
    case FaultKind::kFreeze:
      Freeze();
      break;
    case FaultKind::kBrokerKill:
      RestartBroker();
      break;
    case FaultKind::kStorm:
      Say("a storm of rebalances");
      guest_toggles_ += 4;
      break;
    case FaultKind::kEndTxn:
      ArmEndTxn();
      break;
    case FaultKind::kCut:
      Say("all connections break");
      proxy_.CutAll();
      break;
  }
}

// One that is awake and has not been promised another end, if there is one.
Member* FaultRun::Choose() {
  std::vector<Member*> alive;
  for (const bool armed : {false, true}) {
    for (const auto& member : members_) {
      const bool awake = member->alive() && !member->leaving() && !member->frozen();
      if (awake && member->armed() == armed) alive.push_back(member.get());
    }
    if (!alive.empty()) break;
  }
  return alive.empty() ? nullptr : alive[plan_.random().Below(static_cast<uint32_t>(alive.size()))];
}

// Mostly at once, so that the group does not notice; else when it has given the partitions away.
FaultRun::Milliseconds FaultRun::AnyRestartDelay() {
  if (plan_.random().Below(4) != 0) return Between(0, 500);
  ++counts_.rebalances;
  return Between(kSessionTimeoutMs + 200, kSessionTimeoutMs + 2'000);
}

void FaultRun::Kill(Member& member, Milliseconds until_restart) {
  member.Kill();
  if (&member != members_.back().get()) member.StartAt(Clock::now() + until_restart);
}

// Begins another life that ends there: after a clean stop or a kill.
void FaultRun::CrashAt(const std::string& point) {
  const uint32_t first = plan_.random().Below(kMembers);
  Member& member = *members_[members_[first]->frozen() ? kMembers - 1 - first : first];
  const bool clean = plan_.random().Below(4) != 0;
  Say(fmt::format("{} is to die at {}, after a {}", member.name(), point, clean ? "stop" : "kill"));
  if (member.alive() && clean) {
    member.Stop();
  } else if (member.alive()) {
    member.Kill();
  }
  member.StartAt(Clock::now(), point);
  if (point.starts_with("rebalance")) guest_toggles_ = std::max(guest_toggles_, 2);
}

void FaultRun::Freeze() {
  Member* member = Choose();
  if (member == nullptr) return;
  const int64_t limits[] = {500, kSessionTimeoutMs, kTransactionTimeoutMs, kTransactionTimeoutMs};
  const Milliseconds length = Milliseconds(limits[plan_.random().Below(4)]) + Between(500, 3'000);
  Say(fmt::format("SIGSTOP {} for {} ms", member->name(), length.count()));
  ++counts_.stops;
  member->FreezeUntil(Clock::now() + length);
}

// Back at once, or only when transactions have timed out.
void FaultRun::RestartBroker() {
  const Milliseconds away = plan_.random().Below(2) == 0 ? Between(0, 1'000) : Between(3'000, kTransactionTimeoutMs);
  Say(fmt::format("kill -9 of the broker, for {} ms", away.count()));
  kafka_->Kill();
  std::this_thread::sleep_for(away);
  ++counts_.broker_restarts;
  Say(kafka_->Restart() ? "the broker is back" : "the broker did NOT come back");
}

void FaultRun::ArmEndTxn() {
  struct Kind {
    EndTxnFault fault;
    const char* text;
    int64_t low_ms, high_ms;
  };
  constexpr Kind kKinds[] = {{EndTxnFault::kAnswerLost, "an answer to EndTxn is lost", 0, 0},
                             {EndTxnFault::kAnswerSwallowed, "an answer to EndTxn never comes", 0, 0},
                             {EndTxnFault::kAnswerLate, "an answer to EndTxn is late", 1'000, 9'000},
                             {EndTxnFault::kRequestLate, "an EndTxn is late", 50, 1'000}};
  const Kind& kind = kKinds[plan_.random().Below(4)];
  Say(kind.text);
  proxy_.Arm(kind.fault, Between(kind.low_ms, kind.high_ms));
}

// ---- the end

bool FaultRun::Settle() {
  settling_ = true;
  Say("no more faults");
  proxy_.Arm(EndTxnFault::kNone, Milliseconds(0));
  guest_toggles_ = 0;
  for (const auto& member : members_) {
    const bool guest = member == members_.back();
    if (guest) {
      member->CancelStart();
      if (member->alive()) member->Stop();
    } else if (member->armed() || member->due()) {
      if (member->alive() && !member->leaving()) member->Stop();
      member->StartAt(Clock::now());
    }
  }
  const bool delivered = load_->Stop();
  Say(fmt::format("the load ends: {} records, {} quiet spells", load_->written(), load_->quiet_spells()));
  if (!delivered) Say("some records were never delivered");
  const std::vector<int64_t> ends = admin_->Ends(OutputTopics().events, kPartitions);
  const bool consumed = Eventually(kSettleLimit, [&] {
    return Turn(), AllReady() && admin_->Committed(kGroup, OutputTopics().events, kPartitions) == ends;
  });
  Say(consumed ? "all records are consumed" : "records are left");
  const bool closed = consumed && Eventually(kSettleLimit, [&] { return Turn(), AllReady() && OpenSessions() == 0; });
  Say(closed ? "all sessions are closed" : "sessions are left open");
  return StopAll() && delivered && closed;
}

double FaultRun::OpenSessions() {
  double open = 0;
  for (const auto& member : members_) {
    if (member->alive()) open += member->run().Metric("tidemark_open_sessions").value_or(-1e9);
  }
  return open;
}

bool FaultRun::StopAll() {
  for (const auto& member : members_) {
    member->CancelStart();
    if (member->alive()) member->Stop();
  }
  bool clean = true;
  for (const auto& member : members_) {
    if (!member->alive()) continue;
    const auto exit_code = member->run().process().Wait(kStopLimit);
    if (exit_code == 0) continue;
    Say(fmt::format("{} did not stop as told: {}", member->name(), exit_code.value_or(-1)));
    clean = false;
  }
  return clean;
}

std::optional<Verdict> FaultRun::Check() {
  Say("comparing with the reference");
  const std::vector<int64_t> ends = admin_->Ends(std::string(kGroup) + "-state", kPartitions);
  const bool read = decisions_->Finish(ends);
  if (decisions_->overtaken()) {
    Say("the state topic was truncated faster than the test could read it: nothing can be said; try a lower --rate");
    return std::nullopt;
  }
  Verdict verdict =
      CheckRun(*admin_, {}, RulesOf(MemberSettings("first")), decisions_->partitions(), options_.directory);
  if (!read) verdict.problems.push_back("the state topic could not be read to its end");
  return verdict;
}

}  // namespace tidemark::testing
