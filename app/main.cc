// The command line: adds the commands, parses, runs the one that was asked for.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "app/commands.h"
#include "app/nearest.h"
#include "app/version.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

void AddCommands(CLI::App& app, CommandContext& context) {
  AddDemoCommand(app, context);
  AddRunCommand(app, context);
  AddReplayCommand(app, context);
  AddGenerateCommand(app, context);
  AddTopicsCommand(app, context);
  AddRecoverCommand(app, context);
  AddCheckConfigCommand(app, context);
  AddConfigCommand(app, context);
}

int FailUsage(const CLI::App& app, const std::string& message) {
  const auto chosen = app.get_subcommands();
  Tell(fmt::format("tidemark: {}\nTry: tidemark {}--help\n", message,
                   chosen.empty() ? "" : chosen[0]->get_name() + " "));
  return kExitUsage;
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

// The first word is a command; the parser would only say that it did not expect it.
bool IsUnknownCommand(const std::vector<std::string>& names, const std::string& word) {
  return !word.empty() && word[0] != '-' && std::find(names.begin(), names.end(), word) == names.end();
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write that fails
  CLI::App app("Turns raw customer events from a Kafka topic into completed sessions, exactly once.", "tidemark");
  app.footer(
      "Examples:\n"
      "  tidemark demo                                # the whole job, without Kafka\n"
      "  tidemark replay events.ndjson > sessions.ndjson\n"
      "  tidemark run --config tidemark.toml");
  app.set_version_flag("--version", VersionText(), "Print the version, and those of the libraries");
  app.set_help_flag("-h,--help", "Print this help");
  app.require_subcommand(0, 1);
  CommandContext context;
  AddCommands(app, context);
  const std::vector<std::string> names = CommandNames(app);
  if (argc > 1 && IsUnknownCommand(names, argv[1])) {
    return FailUsage(app, fmt::format("unknown command \"{}\"{}", argv[1], DidYouMean(argv[1], names)));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return context.Print(VersionText());
  } catch (const CLI::Success&) {
    const auto chosen = app.get_subcommands();
    return context.Print(chosen.empty() ? app.help() : chosen[0]->help("tidemark", CLI::AppFormatMode::Normal));
  } catch (const CLI::ParseError& error) {
    return FailUsage(app, error.what());
  }
  if (!context.work()) return context.Print(app.help());
  const int code = context.work()();
  FlushLog();
  return code;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) { return tidemark::Main(argc, argv); }
