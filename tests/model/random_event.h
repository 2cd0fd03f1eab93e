// One random event as JSON text, in any of the forms of spec section 1.
//
// Few customers, session ids and event ids, so that they collide; every field sometimes with the wrong type. The same
// state of the random numbers gives the same text. One thread.
#pragma once

#include <cstdint>
#include <string>

#include "tests/model/random_text.h"

namespace tidemark::model {

// How many there are to choose from in one stream, and how often.
struct EventMix {
  int64_t customers = 2;
  int64_t session_ids = 1;
  int64_t conversations = 1;
  int64_t explicit_percent = 30;      // events with a `session.id`
  int64_t conversation_percent = 30;  // detail events
  int64_t plain_percent = 50;         // events with nothing but key, time, id and name: for spec section 3
  int64_t leg_percent = 10;           // of those, the ones that start or end a customer's leg
  int64_t end_percent = 5;            // web and app events with the name of an end event
  int64_t repeated_id_percent = 12;
};

// `time` is JSON text, empty to leave it out.
std::string RandomEvent(Random& random, const EventMix& mix, const std::string& time);

}  // namespace tidemark::model
