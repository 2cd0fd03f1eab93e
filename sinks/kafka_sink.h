// Effects as Kafka records (spec section 4): sessions, late events and dead letters, each to its topic.
//
// The sink says what the records are; a RecordWriter writes them, within a transaction that the shard ends. So Flush
// has nothing to do here: nothing counts before the transaction is committed.
//
// A record that would be larger than the writer takes never reaches it, for it would fail its transaction again and
// again. It is written without its value, the same way each time:
//   - a session goes to the dead-letter topic, key = session id, dead-letter-reason `session_too_large`, with its
//     `source`, from which `tidemark replay` can rebuild it;
//   - a late event or a dead letter keeps its topic and gets the header `value-omitted-bytes`; its own headers are left
//     out too, and its key if it alone is large. The offset in the headers says where the whole record is.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/sink.h"

namespace tidemark {

// A record to be written. Views are copied before Write returns.
struct OutputRecord {
  std::string_view topic;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const RecordHeader> headers;
  std::optional<PartitionId> partition = std::nullopt;  // nothing: the key decides
};

class RecordWriter {
 public:
  virtual ~RecordWriter() = default;
  virtual absl::Status Write(const OutputRecord& record) = 0;
  virtual uint64_t max_record_bytes() const = 0;
};

// The size that counts against message.max.bytes, rounded up.
uint64_t RecordBytes(const OutputRecord& record);

struct KafkaSinkTopics {
  std::string sessions;
  std::string late;
  std::string dead_letters;
};

class KafkaSink : public Sink {
 public:
  // `writer` must outlive the sink.
  KafkaSink(RecordWriter& writer, KafkaSinkTopics topics);

  absl::Status Session(const ClosedSession& session, const Source& source) override;
  absl::Status Late(const LateEvent& late, const RecordContext& context) override;
  absl::Status Dead(const DeadLetter& dead, const RecordContext& context) override;
  absl::Status Flush() override { return status_; }

  uint64_t records_without_value() const { return records_without_value_; }

 private:
  absl::Status Write(const OutputRecord& record);
  absl::Status WriteWithOriginal(std::string_view topic, const Record& record, const RecordContext& context,
                                 std::span<const RecordHeader> added);
  absl::Status WriteOversizedSession(const ClosedSession& session, const Source& source, std::string_view source_range,
                                     uint64_t bytes);

  void NoteWithoutValue(std::string_view topic, const Source& source, Offset offset, uint64_t bytes);

  RecordWriter& writer_;
  const KafkaSinkTopics topics_;
  std::vector<RecordHeader> headers_;  // reused
  absl::Status status_;
  uint64_t records_without_value_ = 0;
};

}  // namespace tidemark
