// Random streams as nasty as the contract allows, each with random settings; the seed decides everything.
//
// What a stream does not have: misspelled numbers, literals and escapes in members that no rule reads, since the
// contract lets an implementation take or refuse those. Pure functions: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/rules.h"
#include "core/types.h"
#include "tests/model/random_text.h"

namespace tidemark::model {

struct RandomStream {
  std::vector<std::string> lines;
  Rules rules;
  EventTime process_start;
};

RandomStream MakeRandomStream(uint64_t seed);

// `time` in one of the spellings of the contract, as JSON text.
std::string SpellTime(Random& random, int64_t time);

}  // namespace tidemark::model
