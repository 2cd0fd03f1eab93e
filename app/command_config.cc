// `tidemark config` prints the effective settings, `tidemark check-config` says whether a file is right.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/config_loader.h"
#include "app/settings.h"
#include "ingest/kafka_client.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

struct ConfigOptions {
  bool example = false;
  bool reference = false;
};

void PrintWarnings(const LoadedConfig& loaded) {
  for (const std::string& warning : loaded.warnings) Tell(fmt::format("warning: {}\n", warning));
}

int PrintConfig(const ConfigOptions& options, const ConfigFlags& flags, CommandContext& context) {
  if (options.example) return context.Print(ExampleFile());
  if (options.reference) return context.Print(MarkdownReference());
  const absl::StatusOr<LoadedConfig> loaded = LoadConfig({flags.file, ProcessEnvironment(), flags.sets});
  if (!loaded.ok()) return context.Fail(loaded.status());
  PrintWarnings(*loaded);
  return context.Print(PrintWithOrigins(*loaded));
}

int CheckConfig(const ConfigFlags& flags, CommandContext& context) {
  absl::StatusOr<LoadedConfig> loaded = LoadConfig({flags.file, ProcessEnvironment(), flags.sets});
  if (!loaded.ok()) return context.Fail(loaded.status());
  PrintWarnings(*loaded);
  FillInKafkaDefaults(loaded->config.kafka);
  const absl::Status together = KafkaClient::CheckSettings(loaded->config.kafka);
  if (!together.ok()) {
    const auto text = fmt::format("{}, with the environment: {}", flags.file, std::string(together.message()));
    return context.Fail(kExitConfig, text);
  }
  const size_t warnings = loaded->warnings.size();
  const std::string remark =
      warnings == 0 ? "" : fmt::format(", with {} warning{}", warnings, warnings == 1 ? "" : "s");
  return context.Print(fmt::format("{}: good{}\n", flags.file, remark));
}

}  // namespace

void AddConfigCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App& command = AddCommand(app, "config", "Print the effective settings with their origin.",
                                 "  tidemark config\n"
                                 "  tidemark config --config tidemark.toml --set session.timeout.web=30m\n"
                                 "  TIDEMARK_KAFKA__BROKERS=kafka:9092 tidemark config\n\n" +
                                     SettingsHelp());
  const auto flags = AddConfigFlags(command);
  command.add_flag("--example", options->example, "Print a commented file with every setting at its default instead");
  command.add_flag("--reference", options->reference, "Print the reference of all settings in Markdown instead");
  context.OnRun(command, [=, &context] { return PrintConfig(*options, *flags, context); });
}

void AddCheckConfigCommand(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App& command = AddCommand(app, "check-config", "Check a configuration file, and the environment with it.",
                                 "  tidemark check-config tidemark.toml\n"
                                 "  tidemark check-config tidemark.toml && tidemark run --config tidemark.toml");
  command.add_option("FILE", flags->file, "The configuration file (TOML)")->required();
  context.OnRun(command, [=, &context] { return CheckConfig(*flags, context); });
}

}  // namespace tidemark
