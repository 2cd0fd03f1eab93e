#include "sinks/kafka_sink.h"

#include <fmt/format.h>

#include <utility>

#include "sinks/log.h"

namespace tidemark {
namespace {

// Kafka's record format v2: a batch header of 61 bytes and less than 40 of lengths and deltas per record; three
// varints per header.
constexpr uint64_t kRecordOverhead = 128;
constexpr uint64_t kHeaderOverhead = 16;
constexpr size_t kMaxKeptKeyBytes = 1024;

std::string SourceRange(const Source& source, Offset first, Offset last) {
  return fmt::format("{}:{}:{}..{}", source.topic, source.partition.value, first.value, last.value);
}

std::optional<std::string_view> KeptKey(std::optional<std::string_view> key) {
  return key && key->size() > kMaxKeptKeyBytes ? std::nullopt : key;
}

}  // namespace

uint64_t RecordBytes(const OutputRecord& record) {
  uint64_t bytes = kRecordOverhead + (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (const RecordHeader& header : record.headers) {
    bytes += kHeaderOverhead + header.name.size() + (header.value ? header.value->size() : 0);
  }
  return bytes;
}

KafkaSink::KafkaSink(RecordWriter& writer, KafkaSinkTopics topics) : writer_(writer), topics_(std::move(topics)) {}

absl::Status KafkaSink::Write(const OutputRecord& record) {
  if (status_.ok()) status_ = writer_.Write(record);
  return status_;
}

absl::Status KafkaSink::Session(const ClosedSession& session, const Source& source) {
  const std::string duplicates = fmt::to_string(session.duplicate_events);
  const std::string out_of_order = fmt::to_string(session.out_of_order_events);
  const std::string range = SourceRange(source, session.first_offset, session.last_offset);
  const RecordHeader headers[] = {{"close-reason", ToString(session.reason)},
                                  {"events-duplicate", duplicates},
                                  {"events-out-of-order", out_of_order},
                                  {"source", range}};
  const OutputRecord record{topics_.sessions, session.id, session.json, headers};
  const uint64_t bytes = RecordBytes(record);
  if (bytes > writer_.max_record_bytes()) return WriteOversizedSession(session, source, range, bytes);
  return Write(record);
}

void KafkaSink::NoteWithoutValue(std::string_view topic, const Source& source, Offset offset, uint64_t bytes) {
  ++records_without_value_;
  Log(LogLevel::kWarn, "record_without_value", "a result over message.max.bytes is written without its value",
      {{"topic", topic}, {"partition", source.partition.value}, {"offset", offset.value}, {"bytes", bytes}},
      "raise message.max.bytes in [kafka.properties] and max.message.bytes of the topics; the whole is at the offset");
}

absl::Status KafkaSink::WriteOversizedSession(const ClosedSession& session, const Source& source,
                                              std::string_view source_range, uint64_t bytes) {
  NoteWithoutValue(topics_.sessions, source, session.last_offset, bytes);
  const std::string detail =
      fmt::format("the session's record of {} bytes is over message.max.bytes ({})", bytes, writer_.max_record_bytes());
  const std::string partition = fmt::to_string(source.partition.value);
  const std::string offset = fmt::to_string(session.last_offset.value);
  const RecordHeader headers[] = {{"dead-letter-reason", "session_too_large"},
                                  {"dead-letter-detail", detail},
                                  {"dead-letter-topic", source.topic},
                                  {"dead-letter-partition", partition},
                                  {"dead-letter-offset", offset},
                                  {"close-reason", ToString(session.reason)},
                                  {"source", source_range}};
  return Write({topics_.dead_letters, KeptKey(session.id), std::nullopt, headers});
}

absl::Status KafkaSink::Late(const LateEvent& late, const RecordContext& context) {
  const std::string late_by_ms = fmt::to_string(late.late_by.ms);
  const std::string source = SourceRange(context.source, late.record.offset, late.record.offset);
  const RecordHeader added[] = {{"late-reason", ToString(late.reason)}, {"late-by-ms", late_by_ms}, {"source", source}};
  return WriteWithOriginal(topics_.late, late.record, context, added);
}

absl::Status KafkaSink::Dead(const DeadLetter& dead, const RecordContext& context) {
  const std::string partition = fmt::to_string(context.source.partition.value);
  const std::string offset = fmt::to_string(dead.record.offset.value);
  const RecordHeader added[] = {{"dead-letter-reason", ToString(dead.reason)},
                                {"dead-letter-detail", dead.detail},
                                {"dead-letter-topic", context.source.topic},
                                {"dead-letter-partition", partition},
                                {"dead-letter-offset", offset}};
  return WriteWithOriginal(topics_.dead_letters, dead.record, context, added);
}

absl::Status KafkaSink::WriteWithOriginal(std::string_view topic, const Record& record, const RecordContext& context,
                                          std::span<const RecordHeader> added) {
  headers_.assign(context.headers.begin(), context.headers.end());
  headers_.insert(headers_.end(), added.begin(), added.end());
  // A view of nothing (no data pointer) is a null value, as of a tombstone in a compacted topic; it stays one.
  const auto value = record.value.data() ? std::optional(record.value) : std::nullopt;
  const OutputRecord whole{topic, context.key, value, headers_};
  if (RecordBytes(whole) <= writer_.max_record_bytes()) return Write(whole);

  NoteWithoutValue(topic, context.source, record.offset, RecordBytes(whole));
  const std::string omitted = fmt::to_string(record.value.size());
  headers_.assign(added.begin(), added.end());
  headers_.push_back({"value-omitted-bytes", omitted});
  return Write({topic, KeptKey(context.key), std::nullopt, headers_});
}

}  // namespace tidemark
