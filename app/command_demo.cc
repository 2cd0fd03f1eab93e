// `tidemark demo`: see it work, without Kafka.
#include <unistd.h>

#include <cmath>
#include <memory>

#include "app/commands.h"
#include "app/demo.h"
#include "app/signals.h"
#include "ingest/kafka_handle.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr double kLeastSeconds = 1;
constexpr double kMostSeconds = 3600;

constexpr char kExamples[] =
    "  tidemark demo\n"
    "  tidemark demo --for 60s --seed 7 --out sessions.ndjson";

struct DemoFlags {
  double seconds = 30;
  uint64_t seed = 1;
  std::string file = DemoOptions{}.file;
};

int RunDemo(const DemoFlags& flags, const ConfigFlags& config_flags, CommandContext& context) {
  BlockStopSignals();
  const auto config = context.LoadConfig(config_flags);
  if (!config.ok()) return context.Fail(config.status());
  SetLogLevel(LogLevel::kError);  // the view tells what there is to tell
  const absl::Status usable = CheckLibrdkafka();
  if (!usable.ok()) return context.Fail(usable);
  const Duration duration = Milliseconds(std::llround(flags.seconds * 1000));
  auto demo = Demo::Start({*config, duration, flags.seed, flags.file, isatty(STDOUT_FILENO) == 1});
  if (!demo.ok()) return context.Fail(demo.status());
  const absl::Status status = (*demo)->Run();
  if (absl::IsCancelled(status)) return kExitClosedPipe;
  return status.ok() ? kExitOk : context.Fail(status);
}

}  // namespace

void AddDemoCommand(CLI::App& app, CommandContext& context) {
  CLI::App& command = AddCommand(app, "demo", "Watch the whole job on an embedded broker, 60 times faster.", kExamples);
  const auto flags = std::make_shared<DemoFlags>();
  const std::map<std::string, double> units{{"s", 1}, {"m", 60}, {"h", 3600}};
  command.add_option("--for", flags->seconds, "How long, from 1s to 1h")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE, "DURATION"))
      ->check(CLI::Range(kLeastSeconds, kMostSeconds))
      ->default_str("30s");
  command.add_option("--seed", flags->seed, "The same seed gives the same events")
      ->transform(WholeNumberTo(kAnyNumber))
      ->capture_default_str();
  command.add_option("--out", flags->file, "Where the sessions are saved, one a line")->capture_default_str();
  const auto config_flags = AddConfigFlags(command);
  context.OnRun(command, [=, &context] { return RunDemo(*flags, *config_flags, context); });
}

}  // namespace tidemark
