// `tidemark generate`: realistic events to a file, to standard output, or to Kafka.
//
// Same options, same bytes, on every machine; only --live, which takes the event times from the clock, gives that up.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>

#include "app/commands.h"
#include "app/progress.h"
#include "app/signals.h"
#include "core/timestamp.h"
#include "ingest/event_producer.h"
#include "ingest/topics.h"
#include "ingest/traffic_generator.h"
#include "sinks/log.h"
#include "sinks/output_file.h"

namespace tidemark {
namespace {

constexpr Duration kTopicsTimeout = Seconds(10);

constexpr char kExamples[] =
    "  tidemark generate --events 1000000 --out events.ndjson\n"
    "  tidemark generate --events 10000 --mix mixed --disorder 5% --duplicates 1% --garbage 0.1% | tidemark replay -\n"
    "  tidemark generate --events 0 --live --rate 500 --visitors 20000 --config tidemark.toml";

struct GenerateOptions {
  uint64_t events = 0;  // 0: until stopped
  std::string mix = "web";
  uint64_t rate = 0;  // events a second; 0: as fast as possible
  std::string out;
  std::string start;
  std::string disorder, late, duplicates, garbage;
  bool live = false;
  TrafficOptions traffic;
};

// `0.01` or `1%`.
absl::StatusOr<double> ParseShare(const std::string& name, const std::string& text) {
  if (text.empty()) return 0.0;
  const bool percent = text.ends_with('%');
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  double share = 0;
  const auto parsed = std::from_chars(text.data(), end, share);
  if (percent) share /= 100;
  if (parsed.ec == std::errc() && parsed.ptr == end && share >= 0 && share <= 1) return share;
  return absl::InvalidArgumentError(fmt::format("--{} {}: write a share such as 0.01 or 1%", name, text));
}

absl::StatusOr<TrafficMix> ParseMix(const std::string& text) {
  static const std::map<std::string, TrafficMix> kMixes{{"web", TrafficMix::kWeb},
                                                        {"app", TrafficMix::kApp},
                                                        {"conversation", TrafficMix::kConversation},
                                                        {"mixed", TrafficMix::kMixed}};
  const auto found = kMixes.find(text);
  if (found != kMixes.end()) return found->second;
  return absl::InvalidArgumentError(fmt::format("--mix {}: write web, app, conversation or mixed", text));
}

absl::StatusOr<TrafficOptions> TrafficOptionsOf(const GenerateOptions& options) {
  TrafficOptions traffic = options.traffic;
  const auto mix = ParseMix(options.mix);
  if (!mix.ok()) return mix.status();
  traffic.mix = *mix;
  const std::tuple<const char*, const std::string&, double&> shares[] = {
      {"disorder", options.disorder, traffic.disorder},
      {"late", options.late, traffic.late},
      {"duplicates", options.duplicates, traffic.duplicates},
      {"garbage", options.garbage, traffic.garbage}};
  for (const auto& [name, text, share] : shares) {
    const auto parsed = ParseShare(name, text);
    if (!parsed.ok()) return parsed.status();
    share = *parsed;
  }
  if (options.start.empty()) return traffic;
  const auto start = ParseTimestamp(options.start);
  // Late events are up to two days older than the start.
  if (!start || *start < EventTime{0} + Days(3)) {
    return absl::InvalidArgumentError(
        fmt::format("--start {}: write a time from 1970-01-04 on, such as 2025-11-24T10:00:00Z", options.start));
  }
  traffic.start = *start;
  return traffic;
}

// Holds the caller back to so many calls a second, without bursts after a pause.
class Pace {
 public:
  explicit Pace(uint64_t rate) : interval_(rate == 0 ? 0 : 1'000'000'000 / static_cast<int64_t>(rate)) {}

  // Whether the next call has to wait: the time to flush.
  bool IsAhead() const { return interval_.count() > 0 && Clock::now() < next_; }
  void Wait() {
    if (interval_.count() == 0) return;
    const auto now = Clock::now();
    if (now < next_) std::this_thread::sleep_until(next_);
    next_ = std::max(next_, now - std::chrono::milliseconds(100)) + interval_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::nanoseconds interval_;
  Clock::time_point next_ = Clock::now();
};

EventTime Now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return EventTime{std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

// Where events go. Wait: everything so far should become visible, the next one takes its time.
class EventOutput {
 public:
  virtual ~EventOutput() = default;
  virtual absl::Status Write(const GeneratedEvent& event) = 0;
  virtual absl::Status Wait() = 0;
  virtual absl::Status Finish() = 0;
};

class FileEvents : public EventOutput {
 public:
  explicit FileEvents(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}
  absl::Status Write(const GeneratedEvent& event) override { return file_->WriteLine(event.value); }
  absl::Status Wait() override { return file_->Flush(); }
  absl::Status Finish() override { return file_->Close(); }

 private:
  std::unique_ptr<OutputFile> file_;
};

class KafkaEvents : public EventOutput {
 public:
  explicit KafkaEvents(std::unique_ptr<EventProducer> producer) : producer_(std::move(producer)) {}
  absl::Status Write(const GeneratedEvent& event) override {
    return producer_->Send(event.key, event.value, [this] { return TookTooLongToStop(); });
  }
  absl::Status Wait() override { return absl::OkStatus(); }  // librdkafka sends by itself
  absl::Status Finish() override {
    return producer_->Flush([this] { return TookTooLongToStop(); });
  }

 private:
  // After a signal, what is on its way has a few seconds.
  bool TookTooLongToStop() {
    if (!StopSignalNoted()) return false;
    const auto now = std::chrono::steady_clock::now();
    if (!stopped_) stopped_ = now;
    return now - *stopped_ > std::chrono::seconds(5);
  }

  std::unique_ptr<EventProducer> producer_;
  std::optional<std::chrono::steady_clock::time_point> stopped_;
};

struct Generated {
  uint64_t events = 0, bytes = 0, disordered = 0, late = 0, duplicates = 0, garbage = 0;
};

void Count(const GeneratedEvent& event, Generated& totals) {
  ++totals.events;
  totals.bytes += event.value.size();
  totals.disordered += event.disordered;
  totals.late += event.late;
  totals.duplicates += event.duplicate;
  totals.garbage += event.garbage;
}

absl::Status Produce(const GenerateOptions& options, TrafficOptions traffic, EventOutput& output, Progress& progress,
                     Generated& totals) {
  if (options.live) traffic.start = Now();
  TrafficGenerator generator(traffic);
  Pace pace(options.rate);
  while (!StopSignalNoted() && (options.events == 0 || totals.events < options.events)) {
    if (pace.IsAhead()) {
      absl::Status flushed = output.Wait();
      if (!flushed.ok()) return flushed;
    }
    pace.Wait();
    const GeneratedEvent event = options.live ? generator.Next(Now()) : generator.Next();
    absl::Status written = output.Write(event);
    if (!written.ok()) return written;
    Count(event, totals);
    if (totals.events % 256 == 0) progress.Update(totals.events, options.events, totals.events);
  }
  return output.Finish();
}

absl::Status PrepareEventsTopic(const KafkaOptions& options) {
  const auto topics = DescribeTopics(options, kTopicsTimeout);
  if (!topics.ok()) return topics.status();
  if (options.create_topics) return CreateMissingTopics(options, *topics, kTopicsTimeout).status();
  const bool exists = std::any_of(topics->begin(), topics->end(), [&](const TopicState& topic) {
    return topic.exists && topic.need.name == options.events_topic;
  });
  if (exists) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "the topic {} does not exist. Create it with `tidemark topics --create` and the same --config, or set "
      "kafka.create_topics = true",
      options.events_topic));
}

absl::StatusOr<std::unique_ptr<EventOutput>> OpenOutput(const GenerateOptions& options, const ConfigFlags& flags,
                                                        CommandContext& context) {
  if (flags.file.empty() && flags.sets.empty()) {
    auto file = OutputFile::Open(options.out.empty() ? "-" : options.out);
    if (!file.ok()) return file.status();
    return std::unique_ptr<EventOutput>(new FileEvents(*std::move(file)));
  }
  const auto config = context.LoadConfig(flags);
  if (!config.ok()) return config.status();
  const absl::Status topic = PrepareEventsTopic(config->kafka);
  if (!topic.ok()) return topic;
  auto producer = EventProducer::Create(config->kafka);
  if (!producer.ok()) return producer.status();
  return std::unique_ptr<EventOutput>(new KafkaEvents(*std::move(producer)));
}

int Failed(const absl::Status& status, bool to_kafka, CommandContext& context) {
  if (to_kafka) return context.Fail(status);
  return absl::IsCancelled(status) ? kExitClosedPipe : context.Fail(kExitCannotWrite, std::string(status.message()));
}

void PrintSummary(const Generated& totals, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(totals.events) / seconds : 0;
  Tell(fmt::format("generated {} events, {:.1f} MB, in {:.2f} s: {} events/s", FormatCount(totals.events),
                   static_cast<double>(totals.bytes) / 1e6, seconds, FormatCount(static_cast<uint64_t>(rate))));
  Tell(fmt::format("; {} out of order, {} late, {} duplicates, {} garbage\n", FormatCount(totals.disordered),
                   FormatCount(totals.late), FormatCount(totals.duplicates), FormatCount(totals.garbage)));
}

int Generate(const GenerateOptions& options, const ConfigFlags& flags, CommandContext& context) {
  NoteStopSignal();
  const auto traffic = TrafficOptionsOf(options);
  if (!traffic.ok()) return context.Fail(kExitUsage, std::string(traffic.status().message()));
  const bool to_kafka = !flags.file.empty() || !flags.sets.empty();
  if (to_kafka && !options.out.empty()) {
    return context.Fail(kExitUsage, "--out writes a file, --config and --set write to Kafka; choose one of them");
  }
  auto output = OpenOutput(options, flags, context);
  if (!output.ok()) return Failed(output.status(), to_kafka, context);
  Progress progress;
  Generated totals;
  const absl::Status status = Produce(options, *traffic, **output, progress, totals);
  const double seconds = progress.seconds();
  progress.Clear();
  if (!status.ok()) return Failed(status, to_kafka, context);
  PrintSummary(totals, seconds);
  return totals.events < options.events ? kExitInterrupted : kExitOk;
}

void AddTrafficOptions(CLI::App& command, GenerateOptions& options) {
  command.add_option("--visitors", options.traffic.visitors, "How many different visitors there are")
      ->transform(WholeNumberTo(100'000'000))
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--seed", options.traffic.seed, "Same seed, same bytes")
      ->transform(WholeNumberTo(kAnyNumber))
      ->capture_default_str();
  command.add_option("--mix", options.mix, "web, app, conversation or mixed")->capture_default_str();
  command.add_flag("--small", options.traffic.small, "Web events of about 300 bytes instead of 1.75 KB");
  command.add_option("--start", options.start, "Event time of the first event (default: 2025-11-24T10:00:00Z)");
  command.add_flag("--live", options.live, "Event times are the clock's, for a running pipeline")->excludes("--start");
  command.add_option("--disorder", options.disorder, "Share of events 1 to 25 s out of order: 0.05 or 5%");
  command.add_option("--late", options.late, "Share of events that come too late");
  command.add_option("--duplicates", options.duplicates, "Share of events that come twice");
  command.add_option("--garbage", options.garbage, "Share of records that are no events");
}

}  // namespace

void AddGenerateCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App& command = AddCommand(app, "generate", "Make realistic events, into a file or into Kafka", kExamples);
  auto flags = AddConfigFlags(command, false);  // events go into Kafka only where the command line says so
  command.add_option("--events", options->events, "How many events; 0: until stopped")
      ->transform(WholeNumberTo(kAnyNumber))
      ->required();
  command.add_option("--rate", options->rate, "At most so many events a second (default: as fast as possible)")
      ->transform(WholeNumberTo(1'000'000'000));
  command.add_option("--out", options->out, "Write to this file (default: standard output, or Kafka with --config)");
  AddTrafficOptions(command, *options);
  context.OnRun(command, [=, &context] { return Generate(*options, *flags, context); });
}

}  // namespace tidemark
