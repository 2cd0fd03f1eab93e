#include "core/snapshot_stream.h"

#include <algorithm>
#include <cstring>

#include "core/session_codec.h"

namespace tidemark {
namespace {

// What is written is kept in blocks of about this: growing one text would copy it again and again.
constexpr size_t kBlockBytes = 64 << 10;

}  // namespace

void SnapshotWriter::Begin() {
  Abandon();
  active_ = true;
  ++number_;
  next_ = 0;
}

void SnapshotWriter::Abandon() {
  active_ = false;
  blocks_.clear();
  waiting_ = 0;
  taken_ = 0;
}

void SnapshotWriter::Write(Session& session) {
  session.snapshot = number_;
  if (blocks_.empty() || blocks_.back().size() >= kBlockBytes) blocks_.emplace_back().reserve(2 * kBlockBytes);
  std::string& block = blocks_.back();
  const size_t begin = block.size();
  block.resize(begin + SnapshotReader::kSizeBytes);
  EncodeSession(session, block);
  const auto size = static_cast<uint32_t>(block.size() - begin - SnapshotReader::kSizeBytes);
  std::memcpy(block.data() + begin, &size, sizeof(size));
  waiting_ += block.size() - begin;
}

bool SnapshotWriter::Next(SessionTable& sessions, size_t limit, std::string& piece) {
  for (; next_ < sessions.places() && waiting_ < limit; ++next_) {
    Session& session = sessions[next_];
    if (session.state != Session::State::kFree) BeforeChange(session);
  }
  Take(limit, piece);
  if (waiting_ > 0 || next_ < sessions.places()) return true;
  Abandon();
  return false;
}

void SnapshotWriter::Take(size_t limit, std::string& piece) {
  piece.clear();
  while (piece.size() < limit && !blocks_.empty()) {
    const size_t size = std::min(blocks_.front().size() - taken_, limit - piece.size());
    piece.append(blocks_.front(), taken_, size);
    taken_ += size;
    if (taken_ < blocks_.front().size()) break;
    blocks_.pop_front();
    taken_ = 0;
  }
  waiting_ -= piece.size();
}

std::optional<uint32_t> SnapshotReader::NextSize(size_t begin) const {
  uint32_t size = 0;
  if (rest_.size() - begin < kSizeBytes) return std::nullopt;
  std::memcpy(&size, rest_.data() + begin, sizeof(size));
  if (rest_.size() - begin - kSizeBytes < size) return std::nullopt;
  return size;
}

}  // namespace tidemark
