// `tidemark recover`: partitions that have failed begin anew, at a place that a person has chosen.
#include <fmt/format.h>

#include <cstdint>
#include <memory>

#include "app/commands.h"
#include "app/job.h"
#include "ingest/begin_anew.h"

namespace tidemark {
namespace {

constexpr char kExamples[] =
    "  tidemark recover --config tidemark.toml --partition 3 --from committed            # says what it would do\n"
    "  tidemark recover --config tidemark.toml --partition 3 --from committed --apply    # does it\n"
    "  tidemark recover --config tidemark.toml --all --from earliest --apply\n\n"
    "Needed after `partition_failed`: where the state that leads to the committed offset is gone or damaged, or the\n"
    "offset itself is. The partition begins without open sessions. What was open is given up with --from committed:\n"
    "rebuild it with `tidemark replay`. With an earlier place, sessions that were written before are written again,\n"
    "under the same (id, type, createdDate). Every tidemark of the group must be stopped.";

struct RecoverOptions {
  std::vector<int32_t> partitions;
  bool all = false;
  std::string from;
  bool apply = false;
};

std::string Describe(const std::vector<NewBeginning>& beginnings, bool applied) {
  std::string text;
  for (const NewBeginning& beginning : beginnings) {
    const std::string before = beginning.committed ? fmt::to_string(beginning.committed->value) : "none";
    text += fmt::format("partition {}: committed offset {}, {} at {} without open sessions\n",
                        beginning.partition.value, before, applied ? "begins" : "would begin", beginning.begin.value);
  }
  if (!applied) text += "nothing was written; add --apply to do it\n";
  return text;
}

int Recover(const RecoverOptions& options, const ConfigFlags& flags, CommandContext& context) {
  auto config = context.LoadConfig(flags);
  if (!config.ok()) return context.Fail(config.status());
  const auto at = ParseBeginAt(options.from);
  if (!at.ok()) return context.Fail(kExitUsage, std::string(at.status().message()));
  FillInKafkaDefaults(config->kafka);
  std::vector<PartitionId> partitions;
  for (const int32_t partition : options.partitions) partitions.push_back({partition});
  const auto beginnings = BeginAnew(config->kafka, config->rules, partitions, *at, options.apply);
  if (!beginnings.ok()) return context.Fail(beginnings.status());
  return context.Print(Describe(*beginnings, options.apply));
}

}  // namespace

void AddRecoverCommand(CLI::App& app, CommandContext& context) {
  CLI::App& command =
      AddCommand(app, "recover", "Let partitions that have failed begin anew where you choose.", kExamples);
  const auto options = std::make_shared<RecoverOptions>();
  CLI::Option* some =
      command.add_option("--partition", options->partitions, "A partition of the events topic; again: more")
          ->transform(WholeNumberTo(std::numeric_limits<int32_t>::max()));
  CLI::Option* all = command.add_flag("--all", options->all, "All partitions")->excludes(some);
  some->excludes(all);
  command.add_option("--from", options->from, "committed, earliest, latest, or an offset")->required();
  command.add_flag("--apply", options->apply, "Do it; without, say what would be done");
  const auto flags = AddConfigFlags(command);
  context.OnRun(command, [=, &context] {
    if (!options->all && options->partitions.empty()) {
      return context.Fail(kExitUsage, "say which partitions: --partition N, or --all");
    }
    return Recover(*options, *flags, context);
  });
}

}  // namespace tidemark
