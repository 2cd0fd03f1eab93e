// The `tidemark` program as a user starts it: settings by flags, a log on standard error, the window over HTTP.
// One thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/broker/child_process.h"

namespace tidemark::testing {

using Settings = std::map<std::string, std::string>;

// `tidemark COMMAND ARGUMENTS --set key=value ...`
std::vector<std::string> TidemarkCommand(const std::string& command, const std::vector<std::string>& arguments,
                                         const Settings& settings);

// What TidemarkRun starts: with a window on a free port, unless the settings name another, and a log of JSON lines.
std::vector<std::string> RunCommand(Settings settings);

struct Finished {
  std::optional<int> exit_code;  // nullopt: it did not end in time
  std::string output, errors;
};

// Runs a command to its end; `scratch` is a directory for what it prints.
Finished RunTidemark(const std::string& command, const std::vector<std::string>& arguments, Settings settings,
                     const std::string& scratch, std::chrono::seconds limit = std::chrono::seconds(120));

// `tidemark run`, with its window on a free port.
class TidemarkRun {
 public:
  TidemarkRun(Settings settings, const std::string& directory, const std::string& name);
  // The same, by another command, such as RunCommand's with something before it.
  TidemarkRun(const std::string& directory, const std::string& name, const std::vector<std::string>& command);

  bool Ready();  // /readyz answers 200
  // Waits for it; false: not within `limit`, or it has ended.
  bool AwaitReady(std::chrono::seconds limit);
  int Port() const;  // of the window; 0 until it listens
  // A page of the window; nullopt: no answer, or not 200.
  std::optional<std::string> Get(const std::string& path) const;
  // What a probe answers, such as "503 shutting down", also before there is a job; empty: nothing.
  std::string Probe(const std::string& path) const;
  // The sum of all samples of a metric; nullopt when the window does not answer.
  std::optional<double> Metric(const std::string& name);
  bool Logged(const std::string& code) const { return CountLogged(code) > 0; }
  int CountLogged(const std::string& code) const;

  std::string Log() const { return process_.Errors(); }
  ChildProcess& process() { return process_; }

 private:
  std::string Url(const std::string& code) const;  // as a line of this code has it; empty until there is one

  ChildProcess process_;
};

}  // namespace tidemark::testing
