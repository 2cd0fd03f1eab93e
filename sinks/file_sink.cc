#include "sinks/file_sink.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

namespace tidemark {
namespace {

// OpenSSL counts in int, and a piece that is a multiple of three bytes needs no padding.
constexpr size_t kBase64Piece = size_t{3} << 20;

void AppendBase64(std::string_view bytes, std::string& out) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4 + 1);
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kBase64Piece);
    const size_t start = out.size();
    out.resize(start + (piece.size() + 2) / 3 * 4 + 1);  // one more for OpenSSL's closing zero
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + start),
                        reinterpret_cast<const unsigned char*>(piece.data()), static_cast<int>(piece.size()));
    out.resize(start + static_cast<size_t>(size));
    bytes.remove_prefix(piece.size());
  }
}

// Keeps `first`, takes `next` into it when it was fine.
void Update(absl::Status& first, const absl::Status& next) {
  if (first.ok()) first = next;
}

}  // namespace

void AppendEnvelope(const ClosedSession& session, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"closeReason":"{}","duplicateEvents":{},"outOfOrderEvents":{},"session":)",
                 ToString(session.reason), session.duplicate_events, session.out_of_order_events);
  out.append(session.json);
  out += '}';
}

void AppendDeadLetter(const DeadLetter& dead, std::string& out) {
  fmt::format_to(std::back_inserter(out), R"({{"position":{},"reason":"{}","event":")", dead.record.offset.value,
                 ToString(dead.reason));
  AppendBase64(dead.record.value, out);
  out.append("\"}");
}

absl::StatusOr<std::unique_ptr<FileSink>> FileSink::Open(const FileSinkOptions& options) {
  std::unique_ptr<FileSink> sink(new FileSink);
  sink->envelope_ = options.envelope;
  const auto open = [](const std::string& path, std::unique_ptr<OutputFile>& file) -> absl::Status {
    if (path.empty()) return absl::OkStatus();
    auto opened = OutputFile::Open(path);
    if (!opened.ok()) return opened.status();
    file = *std::move(opened);
    return absl::OkStatus();
  };
  absl::Status status = open(options.sessions.empty() ? "-" : options.sessions, sink->sessions_);
  if (status.ok()) status = open(options.late, sink->late_);
  if (status.ok()) status = open(options.dead_letters, sink->dead_letters_);
  if (!status.ok()) return status;
  return sink;
}

absl::Status FileSink::Session(const ClosedSession& session, const Source&) {
  if (!envelope_) return sessions_->WriteLine(session.json);
  AppendEnvelope(session, sessions_->buffer());
  return sessions_->WriteLine({});
}

absl::Status FileSink::Late(const LateEvent& late, const RecordContext&) {
  return late_ == nullptr ? absl::OkStatus() : late_->WriteLine(late.record.value);
}

absl::Status FileSink::Dead(const DeadLetter& dead, const RecordContext&) {
  if (dead_letters_ == nullptr) return absl::OkStatus();
  AppendDeadLetter(dead, dead_letters_->buffer());
  return dead_letters_->WriteLine({});
}

absl::Status FileSink::Flush() {
  absl::Status status;
  for (OutputFile* file : {sessions_.get(), late_.get(), dead_letters_.get()}) {
    if (file != nullptr) Update(status, file->Flush());
  }
  return status;
}

absl::Status FileSink::Close() {
  absl::Status status;
  for (OutputFile* file : {sessions_.get(), late_.get(), dead_letters_.get()}) {
    if (file != nullptr) Update(status, file->Close());
  }
  return status;
}

}  // namespace tidemark
