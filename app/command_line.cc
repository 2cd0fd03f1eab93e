// What all commands have in common: the frame of their help, the way they fail, the way they load the settings.
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "app/commands.h"
#include "app/config_loader.h"
#include "app/logging.h"
#include "sinks/log.h"

namespace tidemark {

void CommandContext::OnRun(CLI::App& command, std::function<int()> work) {
  command.callback([this, work = std::move(work)] { work_ = work; });
}

absl::StatusOr<Config> CommandContext::LoadConfig(const ConfigFlags& flags) {
  absl::StatusOr<LoadedConfig> loaded = tidemark::LoadConfig({flags.file, ProcessEnvironment(), flags.sets});
  if (!loaded.ok()) return loaded.status();
  SetUpLogging(loaded->config.log);
  for (const std::string& warning : loaded->warnings) Log(LogLevel::kWarn, "config_warning", warning);
  return std::move(loaded->config);
}

int CommandContext::Fail(const absl::Status& status) { return Fail(ExitCodeOf(status), std::string(status.message())); }

int CommandContext::Fail(ExitCode code, std::string_view message) {
  const bool several_lines = message.find('\n') != message.npos;
  Tell(fmt::format("tidemark:{}{}\n", several_lines ? "\n" : " ", message));
  return code;
}

int CommandContext::Print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return kExitOk;
  if (errno == EPIPE) return kExitClosedPipe;
  return Fail(kExitCannotWrite, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

CLI::App& AddCommand(CLI::App& app, const std::string& name, const std::string& purpose, const std::string& examples) {
  CLI::App* command = app.add_subcommand(name, purpose);
  command->footer("Examples:\n" + examples);
  return *command;
}

std::shared_ptr<ConfigFlags> AddConfigFlags(CLI::App& command, bool from_environment) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::Option* const file = command.add_option("--config", flags->file, "The configuration file (TOML)");
  file->type_name("FILE");
  if (from_environment) file->envname("TIDEMARK_CONFIG");
  command.add_option("--set", flags->sets, "Override one setting, e.g. --set session.timeout.web=30m; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return flags;
}

// CLI11 takes a leading 0 for octal, and what is too large for the largest number.
CLI::Validator WholeNumberTo(uint64_t most) {
  const auto check = [most](std::string& text) -> std::string {
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number > most) {
      return fmt::format("{} is no whole number from 0 to {}", text, most);
    }
    text = fmt::to_string(number);
    return {};
  };
  return CLI::Validator(check, most == kAnyNumber ? "" : fmt::format("0 to {}", most));
}

}  // namespace tidemark
