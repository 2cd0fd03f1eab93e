#include "core/snapshot_stream.h"

#include <cstring>

#include "core/session_codec.h"

namespace tidemark {

void SnapshotWriter::Begin() {
  active_ = true;
  ++number_;
  next_ = 0;
  stream_.clear();
  taken_ = 0;
}

void SnapshotWriter::Abandon() {
  active_ = false;
  stream_ = {};
  taken_ = 0;
}

void SnapshotWriter::Write(Session& session) {
  session.snapshot = number_;
  const size_t begin = stream_.size();
  stream_.resize(begin + SnapshotReader::kSizeBytes);
  EncodeSession(session, stream_);
  const auto size = static_cast<uint32_t>(stream_.size() - begin - SnapshotReader::kSizeBytes);
  std::memcpy(stream_.data() + begin, &size, sizeof(size));
}

bool SnapshotWriter::Next(SessionTable& sessions, size_t limit, std::string& piece) {
  for (; next_ < sessions.places() && stream_.size() - taken_ < limit; ++next_) {
    Session& session = sessions[next_];
    if (session.state != Session::State::kFree) BeforeChange(session);
  }
  piece.assign(stream_, taken_, limit);
  taken_ += piece.size();
  if (taken_ < stream_.size()) return true;
  stream_.clear();
  taken_ = 0;
  if (next_ < sessions.places()) return true;
  Abandon();
  return false;
}

std::optional<uint32_t> SnapshotReader::NextSize(size_t begin) const {
  uint32_t size = 0;
  if (rest_.size() - begin < kSizeBytes) return std::nullopt;
  std::memcpy(&size, rest_.data() + begin, sizeof(size));
  if (rest_.size() - begin - kSizeBytes < size) return std::nullopt;
  return size;
}

}  // namespace tidemark
