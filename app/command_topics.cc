// `tidemark topics`: are the topics there, and make them.
#include <fmt/format.h>

#include <memory>

#include "app/commands.h"
#include "ingest/topics.h"

namespace tidemark {
namespace {

constexpr Duration kTimeout = Seconds(10);

constexpr char kExamples[] =
    "  tidemark topics --check --config tidemark.toml\n"
    "  tidemark topics --create --set kafka.brokers=kafka-1:9092 --set kafka.partitions=16";

struct TopicsOptions {
  bool create = false;
  bool check = false;
};

std::string Describe(const std::vector<TopicState>& topics) {
  std::string text;
  for (const TopicState& topic : topics) {
    const std::string state = topic.exists ? fmt::format("{} partitions", topic.partitions) : "missing";
    text += fmt::format("{:<24} {:<14} {}\n", topic.need.name, state, topic.need.purpose);
  }
  return text;
}

std::string DescribeCreated(const std::vector<std::string>& created) {
  std::string text = created.empty() ? "nothing to create\n" : "";
  for (const std::string& name : created) text += fmt::format("created {}\n", name);
  return text;
}

int Topics(const TopicsOptions& options, const ConfigFlags& flags, CommandContext& context) {
  const auto config = context.LoadConfig(flags);
  if (!config.ok()) return context.Fail(config.status());
  auto topics = DescribeTopics(config->kafka, kTimeout);
  if (!topics.ok()) return context.Fail(topics.status());
  std::string text = Describe(*topics);
  absl::Status usable = RequireTopics(*topics);
  if (options.create) {
    const auto created = CreateMissingTopics(config->kafka, *topics, kTimeout);
    if (!created.ok()) return context.Fail(created.status());
    text = DescribeCreated(*created);
    usable = absl::OkStatus();
  }
  const int printed = context.Print(text);
  if (usable.ok()) usable = CheckTopicSettings(config->kafka, kTimeout);
  return printed != kExitOk || usable.ok() ? printed : context.Fail(usable);
}

}  // namespace

void AddTopicsCommand(CLI::App& app, CommandContext& context) {
  CLI::App& command = AddCommand(app, "topics", "Check that the Kafka topics exist, or create them.", kExamples);
  const auto options = std::make_shared<TopicsOptions>();
  CLI::Option* create = command.add_flag("--create", options->create, "Create the topics that do not exist.");
  command.add_flag("--check", options->check, "List them; exit 78 if one is missing or set wrong (the default).")
      ->excludes(create);
  const auto flags = AddConfigFlags(command);
  context.OnRun(command, [=, &context] { return Topics(*options, *flags, context); });
}

}  // namespace tidemark
