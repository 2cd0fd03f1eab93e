// Sessions, late events and dead letters as lines of files (spec section 4, "File").
//
// Sessions: one JSON object a line, alone or in its envelope. Late events: their lines, unchanged. Dead letters:
// `{"position":N,"reason":"…","event":"BASE64"}`, since their bytes may be anything. Late events and dead letters
// without a file are left to the counters. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "sinks/output_file.h"
#include "sinks/sink.h"

namespace tidemark {

struct FileSinkOptions {
  std::string sessions = "-";  // a path, or "-" for standard output
  std::string late;            // empty: nowhere
  std::string dead_letters;    // empty: nowhere
  bool envelope = false;       // `{"closeReason","duplicateEvents","outOfOrderEvents","session":{…}}`
};

class FileSink : public Sink {
 public:
  static absl::StatusOr<std::unique_ptr<FileSink>> Open(const FileSinkOptions& options);

  absl::Status Session(const ClosedSession& session, const Source& source) override;
  absl::Status Late(const LateEvent& late, const RecordContext& context) override;
  absl::Status Dead(const DeadLetter& dead, const RecordContext& context) override;
  absl::Status Flush() override;

  // Flushes and closes the files; the first error of any of them.
  absl::Status Close();

 private:
  FileSink() = default;

  bool envelope_ = false;
  std::unique_ptr<OutputFile> sessions_;
  std::unique_ptr<OutputFile> late_;          // may be null
  std::unique_ptr<OutputFile> dead_letters_;  // may be null
};

// Appends `session` in its envelope.
void AppendEnvelope(const ClosedSession& session, std::string& out);

// Appends a dead letter's object.
void AppendDeadLetter(const DeadLetter& dead, std::string& out);

}  // namespace tidemark
