#include "ingest/file_replay.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace tidemark {
namespace {

// Hands effects to a sink until it fails; from then on they are dropped and the replay ends.
class SinkEffects : public Effects {
 public:
  SinkEffects(Sink& sink, std::string_view path) : sink_(sink), context_{{path, PartitionId{0}}, {}, {}} {}

  void OnSession(const ClosedSession& session) override {
    if (status_.ok()) status_ = sink_.Session(session, context_.source);
  }
  void OnLate(const LateEvent& late) override {
    latest_by_ = std::max(latest_by_, late.late_by);
    if (status_.ok()) status_ = sink_.Late(late, context_);
  }
  void OnDeadLetter(const DeadLetter& dead) override {
    if (status_.ok()) status_ = sink_.Dead(dead, context_);
  }
  void Flush() {
    if (status_.ok()) status_ = sink_.Flush();
  }

  const absl::Status& status() const { return status_; }
  Duration latest_by() const { return latest_by_; }

 private:
  Sink& sink_;
  RecordContext context_;
  absl::Status status_;
  Duration latest_by_;
};

}  // namespace

FileReplayResult ReplayFile(LineReader& reader, const Rules& rules, EventTime process_start, Sink& sink,
                            const ReplayProgress& progress) {
  FileReplayResult result;
  Partition partition(PartitionId{0}, rules);
  SinkEffects effects(sink, reader.path());
  std::vector<std::string_view> lines;
  Offset first{0};  // of the batch
  do {
    if (reader.WouldWait()) effects.Flush();
    result.input = reader.NextBatch(lines);
    const auto record = [&](size_t i) {
      return Record{lines[i], Offset{first.value + static_cast<int64_t>(i)}, process_start};
    };
    ApplyAll(lines.size(), record, partition, effects);
    first.value += static_cast<int64_t>(lines.size());
    if (progress) progress(reader, partition.counters().records);
  } while (result.input.ok() && effects.status().ok() && !lines.empty());

  if (result.input.ok()) {
    partition.AdvanceWatermark(kAfterAllTime, effects);
  } else {
    result.unfinished_sessions = partition.open_sessions();
  }
  effects.Flush();
  result.output = effects.status();
  result.counters = partition.counters();
  result.latest_by = effects.latest_by();
  return result;
}

}  // namespace tidemark
