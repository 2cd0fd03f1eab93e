// The effective settings: defaults, then the file, then TIDEMARK_* variables, then flags.
// Every setting is one row of the table in app/settings.cc; nothing else parses, documents or prints one.
#pragma once

#include <cstdint>
#include <string>

#include "core/rules.h"
#include "ingest/kafka_options.h"

namespace tidemark {

struct HttpOptions {
  std::string address = "0.0.0.0";  // empty: no listener
  uint16_t port = 9480;             // 0: any free port, logged
};

struct LogOptions {
  std::string level = "info";   // trace, debug, info, warn, error
  std::string format = "auto";  // auto: text on a terminal, else json
};

struct Config {
  Rules rules;
  KafkaOptions kafka;
  HttpOptions http;
  LogOptions log;
};

}  // namespace tidemark
