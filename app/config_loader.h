// Puts the effective settings together: default < file < environment < flag. Reads one file, nothing else; the
// environment is handed in. Main thread, at start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "app/config.h"

namespace tidemark {

struct ConfigSources {
  std::string file;                      // empty: none
  std::vector<std::string> environment;  // "NAME=value"; only TIDEMARK_* is looked at
  std::vector<std::string> sets;         // "section.key=value", of flags
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string> origins;  // by key, also "kafka.properties.NAME": "tidemark.toml:3:1", ...
  std::vector<std::string> warnings;
};

// The error holds every problem, one a line, `FILE:LINE:COLUMN: …`, and what to write instead.
// kNotFound: there is no such file; kInvalidArgument: its contents, a variable or a flag is wrong.
absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources);

// This process's environment.
std::vector<std::string> ProcessEnvironment();

// The effective settings as TOML, each with its origin in a comment; secrets are hidden.
std::string PrintWithOrigins(const LoadedConfig& loaded);

}  // namespace tidemark
