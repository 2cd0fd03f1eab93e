#include "app/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "app/exit_codes.h"
#include "app/metrics.h"
#include "app/progress.h"
#include "app/signals.h"
#include "ingest/kafka_handle.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr uint32_t kPartitions = 4;
constexpr int32_t kQuietPartition = 3;
constexpr double kEventsPerSecond = 300;    // of the clock
constexpr Duration kHistory = Minutes(25);  // of event time, already in the topic when the job begins
constexpr Duration kTurn = Milliseconds(40);
constexpr Duration kRedraw = Milliseconds(500);
constexpr Duration kLineInterval = Seconds(2);
constexpr Duration kReadyTimeout = Seconds(60);
constexpr Duration kDrainTimeout = Seconds(30);
constexpr char kClearScreen[] = "\x1b[H\x1b[2J";

TrafficOptions Traffic(uint64_t seed, EventTime start) {
  TrafficOptions traffic;
  traffic.seed = seed;
  traffic.start = start;
  traffic.mix = TrafficMix::kMixed;
  traffic.visitors = TrafficGenerator::VisitorsFor(kEventsPerSecond / kDemoSpeed);
  traffic.disorder = 0.05;
  traffic.late = 0.01;
  traffic.duplicates = 0.01;
  traffic.garbage = 0.003;
  return traffic;
}

ShardSnapshot Together(const std::vector<ShardSnapshot>& shards) {
  ShardSnapshot all;
  for (const ShardSnapshot& shard : shards) {
    all.counters.Add(shard.counters);
    for (size_t i = 0; i < all.open_sessions.size(); ++i) all.open_sessions[i] += shard.open_sessions[i];
    all.partitions.insert(all.partitions.end(), shard.partitions.begin(), shard.partitions.end());
  }
  return all;
}

std::string Header(const ReadRecord& record, std::string_view name) {
  const auto found = record.headers.find(name);
  return found == record.headers.end() ? std::string() : std::string(found->second);
}

}  // namespace

Demo::Demo(DemoOptions options) : options_(std::move(options)) {
  KafkaOptions& kafka = options_.config.kafka;
  kafka = KafkaOptions{.brokers = "",
                       .group = "tidemark-demo",
                       .instance_id = "demo",
                       .partitions = kPartitions,
                       .shards = 1,  // the embedded broker keeps no offsets: a rebalance would begin again
                       .idle_partition_after = kafka.idle_partition_after,
                       .properties = {}};
  state_.seconds_total = static_cast<double>(options_.duration.ms) / 1000;
  state_.speed = kDemoSpeed;
  state_.file = options_.file;
}

absl::StatusOr<std::unique_ptr<Demo>> Demo::Start(DemoOptions options) {
  std::unique_ptr<Demo> demo(new Demo(std::move(options)));
  auto view = OutputFile::Open("-");
  if (!view.ok()) return view.status();
  demo->view_ = *std::move(view);
  demo->Say("starting the embedded broker and the job ...\n");  // before a file can get a closed output's number
  auto file = OutputFile::Open(demo->options_.file);
  if (!file.ok()) return file.status();
  demo->file_ = *std::move(file);
  absl::Status status = demo->StartBroker();
  if (!status.ok()) return status;
  auto job = Job::Start({.config = demo->options_.config, .event_time_speed = kDemoSpeed});
  if (!job.ok()) return job.status();
  demo->job_ = *std::move(job);
  status = demo->StartHttp();
  if (status.ok()) status = demo->AwaitReady();
  if (!status.ok()) return status;
  return demo;
}

absl::Status Demo::StartBroker() {
  auto broker = EmbeddedBroker::Start();
  if (!broker.ok()) return broker.status();
  broker_ = *std::move(broker);
  KafkaOptions& kafka = options_.config.kafka;
  kafka.brokers = broker_->brokers();
  absl::Status status = broker_->CreateTopic(kafka.events_topic, kPartitions);
  if (status.ok()) status = broker_->CreateTopic(StateTopic(kafka), kPartitions);
  for (const std::string& topic : {kafka.sessions_topic, kafka.late_topic, kafka.dead_letters_topic}) {
    if (status.ok()) status = broker_->CreateTopic(topic, 1);
  }
  if (!status.ok()) return status;
  auto producer = EventProducer::Create(kafka);
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  auto reader = TopicReader::Open(kafka, {kafka.sessions_topic, kafka.late_topic, kafka.dead_letters_topic});
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return absl::OkStatus();
}

// On the configured port; where that is taken, on another.
absl::Status Demo::StartHttp() {
  HttpOptions http = options_.config.http;
  if (http.address.empty()) return absl::OkStatus();
  Job* job = job_.get();
  const HttpCallbacks callbacks{[job] { return CollectMetrics(job->Snapshots(), job->Readiness().ok); },
                                [job] { return job->Liveness(); }, [job] { return job->Readiness(); }};
  auto started = HttpServer::Start(http, callbacks);
  if (absl::IsUnavailable(started.status())) {
    http.port = 0;
    started = HttpServer::Start(http, callbacks);
    if (started.ok()) {
      Say(fmt::format("port {} is taken: metrics are at {}/metrics\n", options_.config.http.port, (*started)->url()));
    }
  }
  if (!started.ok()) return started.status();
  http_ = *std::move(started);
  state_.url = http_->url();
  return absl::OkStatus();
}

absl::Status Demo::AwaitReady() {
  const MonotonicTime deadline = clock_.Now() + kReadyTimeout;
  while (!job_->Readiness().ok) {
    if (job_->finished()) return job_->Wait();
    if (WaitForStopSignal(kTurn)) return absl::CancelledError("interrupted before the demo began");
    if (clock_.Now() > deadline) return absl::InternalError("the job did not get ready: " + job_->Readiness().detail);
  }
  return absl::OkStatus();
}

EventTime Demo::EventNow() const { return event_began_ + (clock_.Now() - began_) * kDemoSpeed; }

// The traffic ends at about the machine's time, so that no event is from the future.
absl::Status Demo::StartTraffic() {
  began_ = clock_.Now();
  event_began_ = clock_.WallNow() - options_.duration * kDemoSpeed;
  traffic_ = std::make_unique<TrafficGenerator>(Traffic(options_.seed, event_began_ - kHistory));
  const absl::Status status = GenerateDue();
  state_.history = state_.generated;
  return status;
}

absl::Status Demo::GenerateDue() {
  const EventTime now = EventNow();
  const EventTime quiet_from = event_began_ + Milliseconds(options_.duration.ms * kDemoSpeed / 5);
  if (now >= quiet_from) state_.quiet_partition = kQuietPartition;
  while (traffic_->next_time() <= now) {
    const GeneratedEvent event = traffic_->Next();
    if (state_.quiet_partition >= 0 && PartitionOfKey(event.key, kPartitions) == kQuietPartition) continue;
    const absl::Status sent = producer_->Send(event.key, event.value);
    if (!sent.ok()) return sent;
    ++state_.generated;
  }
  return absl::OkStatus();
}

void Demo::TakeRecord(const ReadRecord& record) {
  const KafkaOptions& kafka = options_.config.kafka;
  if (record.topic == kafka.sessions_topic) {
    state_.last_session = record.value.value_or("");
    state_.last_session_reason = Header(record, "close-reason");
    ++state_.saved;
    if (write_status_.ok()) write_status_ = file_->WriteLine(state_.last_session);
  } else if (record.topic == kafka.late_topic) {
    ++state_.late_read;
    const double late_by = std::atof(Header(record, "late-by-ms").c_str()) / 1000;
    state_.last_late = fmt::format("{}, too late by {} of event time ({})", Header(record, "late-reason"),
                                   FormatSeconds(late_by), Header(record, "source"));
  } else {
    ++state_.dead_read;
    state_.last_dead = fmt::format("{}: {} ({}:{}:{})", Header(record, "dead-letter-reason"),
                                   Header(record, "dead-letter-detail"), Header(record, "dead-letter-topic"),
                                   Header(record, "dead-letter-partition"), Header(record, "dead-letter-offset"));
  }
}

void Demo::ReadOutput(Duration timeout) {
  reader_->Read(timeout, [this](const ReadRecord& record) { TakeRecord(record); });
}

void Demo::UpdateState() {
  state_.seconds = std::min(static_cast<double>((clock_.Now() - began_).ms) / 1000, state_.seconds_total);
  state_.event_now = EventNow();
  state_.job = Together(job_->Snapshots());
}

// On standard output. Nobody who reads it: the demo ends.
void Demo::Say(std::string_view text) {
  view_->buffer() += text;
  write_status_.Update(view_->Flush());
}

void Demo::Show(bool now) {
  if (!now && clock_.Now() - shown_ < (options_.terminal ? kRedraw : kLineInterval)) return;
  shown_ = clock_.Now();
  UpdateState();
  Say(options_.terminal ? kClearScreen + FormatDemoScreen(state_) : FormatDemoLine(state_));
}

absl::Status Demo::Run() {
  absl::Status status = StartTraffic();
  while (status.ok() && clock_.Now() - began_ < options_.duration && !job_->finished()) {
    status = GenerateDue();
    ReadOutput(kTurn);
    if (status.ok()) status = write_status_;
    Show(false);
    if (WaitForStopSignal(Duration{0})) break;
  }
  return status.ok() ? Finish() : status;
}

absl::Status Demo::Finish() {
  absl::Status status = DrainInput();
  job_->RequestStop();
  const absl::Status job_status = job_->Wait();
  if (status.ok()) status = job_status;
  DrainOutput();
  if (status.ok()) status = write_status_;
  const absl::Status closed = file_->Close();
  if (status.ok()) status = closed;
  if (!status.ok()) return status;
  Show(true);
  if (!options_.terminal && !state_.last_session.empty()) {
    Say(fmt::format("\nthe last session, closed by {}\n{}", state_.last_session_reason,
                    PrettyJson(state_.last_session, 60)));
  }
  Say(FormatDemoSummary(state_));
  if (!write_status_.ok()) return write_status_;
  std::string why_not;
  return DemoAddsUp(state_, why_not) ? absl::OkStatus() : absl::InternalError("the numbers do not add up: " + why_not);
}

// All that was generated has been consumed.
absl::Status Demo::DrainInput() {
  const absl::Status flushed = producer_->Flush();
  if (!flushed.ok()) return flushed;
  const MonotonicTime deadline = clock_.Now() + kDrainTimeout;
  while (!job_->finished() && clock_.Now() < deadline) {
    UpdateState();
    if (state_.job.counters.records >= state_.generated) break;
    ReadOutput(kTurn);
    if (WaitForStopSignal(Duration{0})) break;
  }
  return absl::OkStatus();
}

// All that the job has committed has been read back.
void Demo::DrainOutput() {
  UpdateState();
  const auto& outcomes = state_.job.counters.outcomes;
  const uint64_t expected = ClosedSessions(state_.job) + outcomes[static_cast<size_t>(Outcome::kLate)] +
                            outcomes[static_cast<size_t>(Outcome::kDeadLetter)];
  const MonotonicTime deadline = clock_.Now() + kDrainTimeout;
  while (state_.saved + state_.late_read + state_.dead_read < expected && clock_.Now() < deadline) ReadOutput(kTurn);
}

}  // namespace tidemark
