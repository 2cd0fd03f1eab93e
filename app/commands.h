// The commands: one function each, which adds its subcommand with its options to the command line.
//
// A command does not run while the command line is being parsed: it hands its work to CommandContext::OnRun, main()
// calls it when parsing has succeeded, and what it returns is the exit code of the process. SIGPIPE is ignored by
// main(): a closed pipe is a write that fails with EPIPE. Used by the main thread only.
//
//   void AddReplayCommand(CLI::App& app, CommandContext& context) {
//     auto options = std::make_shared<ReplayOptions>();
//     CLI::App& command = AddCommand(app, "replay", "Turn files into sessions", "  tidemark replay a.ndjson");
//     auto flags = AddConfigFlags(command);
//     command.add_option("INPUT", options->inputs, "Files")->required();
//     context.OnRun(command, [=, &context] { return Replay(*options, *flags, context); });
//   }
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "app/config.h"
#include "app/exit_codes.h"
#include "app/job.h"

namespace tidemark {

// What `--config FILE` and `--set section.key=value` said.
struct ConfigFlags {
  std::string file;               // empty: no file
  std::vector<std::string> sets;  // "section.key=value", later ones win
};

class CommandContext {
 public:
  // The work of `command`; returns the exit code (ExitCode, or 0).
  void OnRun(CLI::App& command, std::function<int()> work);

  // The effective settings: default < file < environment < flag. Also sets the log up as they say and logs their
  // warnings. The error names every problem, one a line; hand it to Fail.
  absl::StatusOr<Config> LoadConfig(const ConfigFlags& flags);

  // Prints `tidemark: MESSAGE` on standard error, and returns the exit code that fits: `return context.Fail(status);`.
  int Fail(const absl::Status& status);
  int Fail(ExitCode code, std::string_view message);

  // Writes to standard output and flushes. Returns kExitOk, kExitClosedPipe where its reader has left, or fails with
  // kExitCannotWrite.
  int Print(std::string_view text);

  const std::function<int()>& work() const { return work_; }  // empty: no command was given

 private:
  std::function<int()> work_;
};

// A subcommand with a one-line purpose and two or three examples (lines, indented by two, without the heading).
CLI::App& AddCommand(CLI::App& app, const std::string& name, const std::string& purpose, const std::string& examples);

// Adds --config and --set to a command. `from_environment`: TIDEMARK_CONFIG names the file where --config does not.
std::shared_ptr<ConfigFlags> AddConfigFlags(CLI::App& command, bool from_environment = true);

// For transform: an option must be a whole number in decimal digits, from 0 to `most`.
CLI::Validator WholeNumberTo(uint64_t most);
inline constexpr uint64_t kAnyNumber = std::numeric_limits<uint64_t>::max();

void AddRunCommand(CLI::App& app, CommandContext& context, const BrokerFactory& make_broker = KafkaClient::Create);
void AddReplayCommand(CLI::App& app, CommandContext& context);
void AddGenerateCommand(CLI::App& app, CommandContext& context);
void AddDemoCommand(CLI::App& app, CommandContext& context);
void AddRecoverCommand(CLI::App& app, CommandContext& context);
void AddTopicsCommand(CLI::App& app, CommandContext& context);
void AddCheckConfigCommand(CLI::App& app, CommandContext& context);
void AddConfigCommand(CLI::App& app, CommandContext& context);

}  // namespace tidemark
