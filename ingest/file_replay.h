// A file as one partition: partition 0, offset = line number counted from 0. At its end the watermark is infinite, so
// that every session closes (spec section 3). A file has no record times; the process's start stands for all of them.
//
// An input that breaks off half way has no known end: what was open then stays unwritten, since it may not be
// complete, and is counted in `unfinished_sessions`. One thread at a time.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>

#include "core/partition.h"
#include "ingest/line_reader.h"
#include "sinks/sink.h"

namespace tidemark {

struct FileReplayResult {
  absl::Status input;   // the file could not be read to its end
  absl::Status output;  // the sink failed; the rest was not read
  PartitionCounters counters;
  uint64_t unfinished_sessions = 0;
  Duration latest_by;  // the greatest LateEvent::late_by
};

// Called after each batch with the records taken so far.
using ReplayProgress = std::function<void(const LineReader& reader, uint64_t records)>;

// Takes every line of `reader` as a record with the time `process_start`. Flushes the sink when the input makes it
// wait and at the end.
FileReplayResult ReplayFile(LineReader& reader, const Rules& rules, EventTime process_start, Sink& sink,
                            const ReplayProgress& progress);

}  // namespace tidemark
