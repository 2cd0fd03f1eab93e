// The whole job in one process: generated traffic → embedded broker → the same job as `run` → a reader of what it
// writes → a file and a view. Event time runs kDemoSpeed times faster than the clock. The main thread's only.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "app/demo_view.h"
#include "app/http_server.h"
#include "app/job.h"
#include "ingest/embedded_broker.h"
#include "ingest/event_producer.h"
#include "ingest/topic_reader.h"
#include "ingest/traffic_generator.h"
#include "sinks/output_file.h"

namespace tidemark {

inline constexpr int kDemoSpeed = 60;

struct DemoOptions {
  Config config;  // rules, http
  Duration duration = Seconds(30);
  uint64_t seed = 1;
  std::string file = "tidemark-demo-sessions.ndjson";
  bool terminal = false;  // redraw the view in place
};

class Demo {
 public:
  // Broker, topics, job, listener: all up.
  static absl::StatusOr<std::unique_ptr<Demo>> Start(DemoOptions options);

  // Until the time is over or a signal comes, then to the last number. Internal if the numbers do not add up, Cancelled
  // if nobody reads the output any more.
  absl::Status Run();

 private:
  explicit Demo(DemoOptions options);
  absl::Status StartBroker();
  absl::Status StartHttp();
  absl::Status AwaitReady();
  absl::Status StartTraffic();
  absl::Status GenerateDue();
  void ReadOutput(Duration timeout);
  void TakeRecord(const ReadRecord& record);
  void UpdateState();
  void Say(std::string_view text);
  void Show(bool now);
  absl::Status Finish();
  absl::Status DrainInput();
  void DrainOutput();
  EventTime EventNow() const;

  DemoOptions options_;
  const SystemClock clock_;
  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<OutputFile> view_;  // standard output
  std::unique_ptr<Job> job_;
  std::unique_ptr<HttpServer> http_;  // asks the job
  std::unique_ptr<EventProducer> producer_;
  std::unique_ptr<TopicReader> reader_;
  std::unique_ptr<TrafficGenerator> traffic_;
  MonotonicTime began_;
  EventTime event_began_;
  absl::Status write_status_;
  MonotonicTime shown_;
  DemoState state_;
};

}  // namespace tidemark
