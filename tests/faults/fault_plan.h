// Which faults, in which order: decks of cards, each with every kind of fault and every crash point, shuffled by a
// seed. A deck holds about twenty kills. Pure but for its random numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ingest/random.h"

namespace tidemark::testing {

enum class FaultKind : uint8_t {
  kKill,        // of one process, at any time
  kKillAll,     // of all at once
  kCrash,       // of one process at a named point
  kFreeze,      // SIGSTOP, in most cases for longer than the group or the transaction waits
  kBrokerKill,  // and its restart
  kStorm,       // a further process joins and leaves
  kEndTxn,      // an answer is lost, or late; or the request is
  kCut,         // all connections break
};

struct Fault {
  FaultKind kind;
  std::string crash_at;  // "NAME:N"
};

inline constexpr std::array kCrashPoints = {"commit.begin",      "commit.offsets_sent", "commit.done",
                                            "snapshot.begin",    "snapshot.chunk",      "snapshot.end",
                                            "rebalance.revoked", "rebalance.assigned",  "recovery.begin",
                                            "recovery.loaded",   "recovery.replaying",  "recovery.done"};

class FaultPlan {
 public:
  explicit FaultPlan(uint64_t seed) : random_(seed) {}

  Fault Next() {
    if (deck_.empty()) Shuffle();
    Fault fault = std::move(deck_.back());
    deck_.pop_back();
    return fault;
  }
  // Whether the deck on the table has been played to its end.
  bool at_end_of_deck() const { return deck_.empty(); }
  Random& random() { return random_; }

 private:
  void Shuffle() {
    const auto add = [this](FaultKind kind, int count) {
      for (int i = 0; i < count; ++i) deck_.push_back({kind, ""});
    };
    add(FaultKind::kKill, 4);
    add(FaultKind::kKillAll, 1);
    add(FaultKind::kFreeze, 3);
    add(FaultKind::kBrokerKill, 1);
    add(FaultKind::kStorm, 2);
    add(FaultKind::kEndTxn, 5);
    add(FaultKind::kCut, 1);
    for (const std::string point : kCrashPoints) {
      const int64_t latest = point.starts_with("commit") ? 10 : 3;
      deck_.push_back({FaultKind::kCrash, point + ":" + std::to_string(random_.Between(1, latest))});
    }
    for (size_t i = deck_.size(); i > 1; --i) std::swap(deck_[i - 1], deck_[random_.Below(static_cast<uint32_t>(i))]);
  }

  Random random_;
  std::vector<Fault> deck_;
};

}  // namespace tidemark::testing
