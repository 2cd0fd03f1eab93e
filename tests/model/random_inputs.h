// What a partition can be given and made to tell: random records with decisions between them, every effect as text, and
// snapshots in pieces. For the tests of snapshots, of determinism, and of damaged state. Pure functions: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/partition.h"
#include "core/rules.h"
#include "core/state_record.h"
#include "tests/model/random_text.h"

namespace tidemark::model {

// An input of a partition: a line, or a decision.
using Input = std::variant<std::string, WatermarkMoved, RulesChanged>;

struct Inputs {
  Rules rules;
  EventTime process_start;
  std::vector<Input> list;  // a record's offset is its place here
};

Inputs MakeInputs(uint64_t seed);

void Apply(const Inputs& inputs, size_t i, Partition& partition, Effects& effects);

// Every effect as text.
class Transcript : public Effects {
 public:
  void OnSession(const ClosedSession& session) override;
  void OnLate(const LateEvent& late) override;
  void OnDeadLetter(const DeadLetter& dead) override;

  std::vector<std::string> lines;
};

struct Snapshot {
  Rules rules;
  EventTime watermark;
  uint64_t digest = 0;
  uint64_t sessions = 0;
  std::vector<std::string> pieces;
};

// All but the pieces.
Snapshot BeginSnapshot(Partition& partition);
// Adds one; false: it was the last.
bool TakePiece(Partition& partition, Random& random, Snapshot& snapshot);
// False: it is damaged.
bool Restore(const Snapshot& snapshot, Partition& partition);

}  // namespace tidemark::model
