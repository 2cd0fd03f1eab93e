// Where a partition's effects become durable: Kafka, a file, the next thing. A sink is one small class behind this
// interface; it says how an effect is written, never which effects there are.
//
// The order of calls is the order of the effects. Nothing counts as written before Flush has returned OK; after an
// error a sink stays failed and every later call returns that error. Views and references are valid during the call
// only. One thread at a time.
#pragma once

#include <absl/status/status.h>

#include <optional>
#include <span>
#include <string_view>

#include "core/partition.h"
#include "core/types.h"

namespace tidemark {

// What a record was read from: a Kafka topic and partition; a file's path and partition 0.
struct Source {
  std::string_view topic;
  PartitionId partition;
};

struct RecordHeader {
  std::string_view name;
  std::optional<std::string_view> value;  // nothing: a null value
};

// The parts of a record that the core does not read but that travel on with it. The value and the offset are in
// LateEvent::record and DeadLetter::record.
struct RecordContext {
  Source source;
  std::optional<std::string_view> key;  // nothing: a null key, as in every file
  std::span<const RecordHeader> headers;
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  virtual absl::Status Session(const ClosedSession& session, const Source& source) = 0;
  virtual absl::Status Late(const LateEvent& late, const RecordContext& context) = 0;
  virtual absl::Status Dead(const DeadLetter& dead, const RecordContext& context) = 0;

  // Writes what is buffered.
  virtual absl::Status Flush() = 0;
};

}  // namespace tidemark
