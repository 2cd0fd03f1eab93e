// `tidemark replay`: files of events in, sessions out, by the same core as `run`.
//
// Each input is a partition of its own, taken in the order given. An input that cannot be read is an error and the
// exit code; the others are still taken. An output that cannot be written ends the command: no summary is printed
// that might look like success.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>

#include "app/commands.h"
#include "app/progress.h"
#include "core/partition.h"
#include "ingest/file_replay.h"
#include "ingest/line_reader.h"
#include "sinks/file_sink.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr char kExamples[] =
    "  tidemark replay events.ndjson > sessions.ndjson\n"
    "  zcat events-*.gz | tidemark replay --envelope --late late.ndjson --dead-letters dead.ndjson -\n"
    "  tidemark replay --set time.max_out_of_orderness=2m --fail-on 'late>0.1%' events.ndjson.zst > /dev/null";

struct ReplayOptions {
  std::vector<std::string> inputs;
  FileSinkOptions outputs;
  std::vector<std::string> fail_on;
  bool quiet = false;
};

struct ReplayTotals {
  PartitionCounters counters;
  uint64_t inputs = 0;
  uint64_t failed_inputs = 0;
  uint64_t unfinished_sessions = 0;  // open where an input broke off
  Duration latest_by;                // the greatest LateEvent::late_by
  double seconds = 0;
};

// A condition such as `late>0.1%` or `dead_letters>0`.
struct FailCondition {
  enum class Subject : uint8_t { kLate, kDeadLetters, kDuplicates };

  Subject subject;
  double limit;  // of records, or of a hundred records
  bool percent;
  std::string text;  // as it was written
};

uint64_t CountOf(const PartitionCounters& counters, Outcome outcome) {
  return counters.outcomes[static_cast<int>(outcome)];
}

// `  (a 1, b 2)` of the counts that are not 0.
template <typename Reason, size_t kSize>
std::string Reasons(const uint64_t (&counts)[kSize]) {
  std::string text;
  for (size_t i = 0; i < kSize; ++i) {
    if (counts[i] == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "  (" : ", ", ToString(static_cast<Reason>(i)), FormatCount(counts[i]));
  }
  return text.empty() ? text : text + ')';
}

// Late events with the one figure that helps to set max_out_of_orderness.
std::string LateDetail(const ReplayTotals& totals) {
  const uint64_t late = CountOf(totals.counters, Outcome::kLate);
  if (late == 0) return {};
  return fmt::format("{}, {:.3g} %, the latest by {}", Reasons<LateReason>(totals.counters.late),
                     100.0 * static_cast<double>(late) / static_cast<double>(totals.counters.records),
                     FormatSeconds(static_cast<double>(totals.latest_by.ms) / 1000));
}

std::string SessionLine(const PartitionCounters& counters) {
  uint64_t by_reason[kCloseReasonCount] = {};
  uint64_t sessions = 0;
  for (const auto& of_type : counters.sessions_closed) {
    for (int reason = 0; reason < kCloseReasonCount; ++reason) {
      by_reason[reason] += of_type[reason];
      sessions += of_type[reason];
    }
  }
  return fmt::format("  {:<14}{:>14}{}\n", "sessions", FormatCount(sessions), Reasons<CloseReason>(by_reason));
}

// Says that every record is in exactly one count, or, should that ever be wrong, that it is a bug.
std::string SumLine(const PartitionCounters& counters) {
  uint64_t sum = 0;
  for (const uint64_t count : counters.outcomes) sum += count;
  if (sum != counters.records) {
    return fmt::format("  BUG: the outcomes add up to {}, not to the events read; please report it\n",
                       FormatCount(sum));
  }
  return "  every event is in exactly one of joined, duplicate, late, dead letter\n";
}

// What the command says at its end, several lines.
std::string FormatReplaySummary(const ReplayTotals& totals) {
  const PartitionCounters& counters = totals.counters;
  std::string text;
  const auto line = [&text](std::string_view name, uint64_t count, const std::string& detail) {
    fmt::format_to(std::back_inserter(text), "  {:<14}{:>14}{}\n", name, FormatCount(count), detail);
  };
  const double rate = totals.seconds > 0 ? static_cast<double>(counters.records) / totals.seconds : 0;
  const double megabytes = static_cast<double>(counters.record_bytes) / 1e6;
  fmt::format_to(std::back_inserter(text), "replayed {} input{} in {:.2f} s: {} events/s, {:.1f} MB/s\n", totals.inputs,
                 totals.inputs == 1 ? "" : "s", totals.seconds, FormatCount(static_cast<uint64_t>(rate)),
                 totals.seconds > 0 ? megabytes / totals.seconds : 0.0);
  line("events", counters.records, "");
  line("  joined", CountOf(counters, Outcome::kJoined),
       counters.out_of_order == 0 ? "" : fmt::format("  ({} out of order)", FormatCount(counters.out_of_order)));
  line("  duplicate", CountOf(counters, Outcome::kDuplicate), "");
  line("  late", CountOf(counters, Outcome::kLate), LateDetail(totals));
  line("  dead letter", CountOf(counters, Outcome::kDeadLetter), Reasons<DeadLetterReason>(counters.dead_letters));
  text += SessionLine(counters);
  text += SumLine(counters);
  if (totals.failed_inputs > 0) {
    fmt::format_to(std::back_inserter(text), "  {} of {} inputs could not be read to the end\n", totals.failed_inputs,
                   totals.inputs);
  }
  const uint64_t no_json = counters.dead_letters[static_cast<size_t>(DeadLetterReason::kInvalidJson)];
  if (no_json > 0 && no_json == counters.records) {
    text += "  no line was a JSON object: an input has one JSON object on each line\n";
  }
  if (totals.unfinished_sessions > 0) {
    line("not written", totals.unfinished_sessions, "  sessions, open where their input broke off");
  }
  return text;
}

absl::StatusOr<FailCondition> ParseFailCondition(std::string_view text) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError(fmt::format(
        "--fail-on {}: write late>0.1%, dead_letters>0 or duplicates>100 (in quotes, because of the >)", text));
  };
  const size_t sign = text.find('>');
  if (sign == std::string_view::npos) return wrong();
  std::string_view subject = text.substr(0, sign);
  std::string_view number = text.substr(sign + 1);
  while (!subject.empty() && subject.back() == ' ') subject.remove_suffix(1);
  while (!number.empty() && number.front() == ' ') number.remove_prefix(1);

  FailCondition condition{FailCondition::Subject::kLate, 0, false, std::string(text)};
  if (subject == "dead_letters") {
    condition.subject = FailCondition::Subject::kDeadLetters;
  } else if (subject == "duplicates") {
    condition.subject = FailCondition::Subject::kDuplicates;
  } else if (subject != "late") {
    return wrong();
  }
  if (number.ends_with('%')) {
    condition.percent = true;
    number.remove_suffix(1);
  }
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), condition.limit);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || !(condition.limit >= 0))
    return wrong();
  return condition;
}

// Whether the condition came true; with no records it never does.
bool Holds(const FailCondition& condition, const PartitionCounters& counters) {
  const Outcome outcome = condition.subject == FailCondition::Subject::kLate          ? Outcome::kLate
                          : condition.subject == FailCondition::Subject::kDeadLetters ? Outcome::kDeadLetter
                                                                                      : Outcome::kDuplicate;
  const double count = static_cast<double>(CountOf(counters, outcome));
  if (!condition.percent) return count > condition.limit;
  return count * 100 > condition.limit * static_cast<double>(counters.records);
}

EventTime Now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return EventTime{std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

// Regular files only: a pipe or /dev/null may well be named twice.
std::optional<std::pair<dev_t, ino_t>> FileIdentity(const std::string& path) {
  struct stat info {};
  if (path.empty() || path == "-" || stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return std::pair{info.st_dev, info.st_ino};
}

// However it is spelled, and whether there is such a file or not. What cannot be looked at is told by whoever opens it.
bool SamePath(const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (a == "-" || b == "-") return false;
  std::error_code error;
  const auto whole = [&](const std::string& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  };
  const std::filesystem::path whole_a = whole(a);
  return !whole_a.empty() && whole_a == whole(b);
}

// Refuses command lines that would overwrite an input or mix two outputs.
absl::Status CheckPaths(const ReplayOptions& options) {
  if (std::count(options.inputs.begin(), options.inputs.end(), "-") > 1) {
    return absl::InvalidArgumentError("standard input (-) is named more than once; name it once");
  }
  const std::string* outputs[] = {&options.outputs.sessions, &options.outputs.late, &options.outputs.dead_letters};
  for (const std::string* output : outputs) {
    const auto identity = FileIdentity(*output);
    for (const std::string& input : options.inputs) {
      if (identity && identity == FileIdentity(input)) {
        return absl::InvalidArgumentError(fmt::format("{} is an input and an output; write elsewhere", input));
      }
    }
    for (const std::string* other : outputs) {
      if (other == output || output->empty() || other->empty()) continue;
      if (SamePath(*output, *other) || (identity && identity == FileIdentity(*other))) {
        return absl::InvalidArgumentError(fmt::format("{} is named for two outputs; give each its own file", *output));
      }
    }
  }
  return absl::OkStatus();
}

bool MayBeRead(const std::string& input) { return input == "-" || access(input.c_str(), R_OK) == 0; }

absl::StatusOr<std::vector<FailCondition>> ParseConditions(const std::vector<std::string>& texts) {
  std::vector<FailCondition> conditions;
  for (const std::string& text : texts) {
    auto condition = ParseFailCondition(text);
    if (!condition.ok()) return condition.status();
    conditions.push_back(*std::move(condition));
  }
  return conditions;
}

int OutputFailed(const absl::Status& status, CommandContext& context) {
  if (absl::IsCancelled(status)) return kExitClosedPipe;
  return context.Fail(kExitCannotWrite, std::string(status.message()));
}

class ReplayCommand {
 public:
  ReplayCommand(const ReplayOptions& options, CommandContext& context) : options_(options), context_(context) {}

  int Run(const ConfigFlags& flags);

 private:
  int ReportInputs();
  absl::Status TakeInputs(FileSink& sink);
  absl::Status TakeInput(const std::string& path, FileSink& sink);
  void InputFailed(const absl::Status& status);
  int Finish(const std::vector<FailCondition>& conditions);

  const ReplayOptions& options_;
  CommandContext& context_;
  Rules rules_;
  EventTime process_start_ = Now();
  ReplayTotals totals_;
  Progress progress_;
};

int ReplayCommand::Run(const ConfigFlags& flags) {
  const auto conditions = ParseConditions(options_.fail_on);
  if (!conditions.ok()) return context_.Fail(kExitUsage, std::string(conditions.status().message()));
  const absl::Status paths = CheckPaths(options_);
  if (!paths.ok()) return context_.Fail(kExitUsage, std::string(paths.message()));
  const auto config = context_.LoadConfig(flags);
  if (!config.ok()) return context_.Fail(config.status());
  rules_ = config->rules;

  if (std::none_of(options_.inputs.begin(), options_.inputs.end(), MayBeRead)) return ReportInputs();

  auto sink = FileSink::Open(options_.outputs);
  if (!sink.ok()) return context_.Fail(kExitCannotWrite, std::string(sink.status().message()));
  absl::Status written = TakeInputs(**sink);
  const absl::Status closed = (*sink)->Close();
  if (written.ok()) written = closed;
  if (!written.ok()) {
    progress_.Clear();
    return OutputFailed(written, context_);
  }
  return Finish(*conditions);
}

// None of them can be opened: the outputs stay as they are.
int ReplayCommand::ReportInputs() {
  for (const std::string& path : options_.inputs) InputFailed(LineReader::Open(path).status());
  return kExitNoInput;
}

absl::Status ReplayCommand::TakeInputs(FileSink& sink) {
  for (const std::string& path : options_.inputs) {
    absl::Status written = TakeInput(path, sink);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

absl::Status ReplayCommand::TakeInput(const std::string& path, FileSink& sink) {
  ++totals_.inputs;
  auto reader = LineReader::Open(path);
  if (!reader.ok()) {
    InputFailed(reader.status());
    return absl::OkStatus();
  }
  const uint64_t before = totals_.counters.records;
  const FileReplayResult result =
      ReplayFile(*reader, rules_, process_start_, sink, [&](const LineReader& input, uint64_t records) {
        progress_.Update(input.consumed_bytes(), input.total_bytes(), before + records);
      });
  totals_.counters.Add(result.counters);
  totals_.unfinished_sessions += result.unfinished_sessions;
  totals_.latest_by = std::max(totals_.latest_by, result.latest_by);
  if (!result.input.ok()) InputFailed(result.input);
  return result.output;
}

void ReplayCommand::InputFailed(const absl::Status& status) {
  ++totals_.failed_inputs;
  progress_.Clear();
  context_.Fail(kExitNoInput, std::string(status.message()));
}

int ReplayCommand::Finish(const std::vector<FailCondition>& conditions) {
  totals_.seconds = progress_.seconds();
  progress_.Clear();
  if (!options_.quiet) Tell(FormatReplaySummary(totals_));
  if (totals_.failed_inputs > 0) return kExitNoInput;
  int code = kExitOk;
  for (const FailCondition& condition : conditions) {
    if (!Holds(condition, totals_.counters)) continue;
    code = context_.Fail(kExitData, fmt::format("the condition --fail-on '{}' came true", condition.text));
  }
  return code;
}

}  // namespace

void AddReplayCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App& command = AddCommand(app, "replay", "Turn files of events into completed sessions", kExamples);
  auto flags = AddConfigFlags(command);
  command.add_option("INPUT", options->inputs, "Files with one event a line, plain, gzip or zstd; - is standard input")
      ->required();
  command.add_option("--out", options->outputs.sessions, "Write sessions to this file (default: standard output)");
  command.add_option("--late", options->outputs.late, "Write late lines, unchanged, to this file");
  command.add_option("--dead-letters", options->outputs.dead_letters,
                     "Write dead letters to this file: {\"position\",\"reason\",\"event\" in base64}");
  command.add_flag("--envelope", options->outputs.envelope,
                   "Write {\"closeReason\",\"duplicateEvents\",\"outOfOrderEvents\",\"session\"}");
  command
      .add_option("--fail-on", options->fail_on,
                  "Exit with 65 if more than this came out: late>0.1%, dead_letters>0, duplicates>100")
      ->allow_extra_args(false);
  command.add_flag("--quiet,-q", options->quiet, "No summary");
  context.OnRun(command, [=, &context] { return ReplayCommand(*options, context).Run(*flags); });
}

}  // namespace tidemark
