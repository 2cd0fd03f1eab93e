// A partition's sessions as a stream of bytes, as of one moment, while the partition goes on.
//
// SnapshotWriter walks over the session table a piece at a time. A session that is about to change and was not reached
// yet is written at once, as it still is (copy on write); one that is opened later is too young and passed over. So a
// snapshot costs no pause, and memory only for the sessions that change between two pieces. SnapshotReader takes the
// stream apart again. The stream: each session as [size, 32 bits][EncodeSession]; pieces end anywhere.
// Both belong to the partition's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/packed.h"
#include "core/session.h"
#include "core/session_table.h"

namespace tidemark {

class SnapshotWriter {
 public:
  bool active() const { return active_; }

  // From here on, until Next has handed out the last piece or Abandon was called.
  void Begin();
  void Abandon();

  // To be called before a session changes or goes, and after one was opened.
  void BeforeChange(Session& session) {
    if (active_ && session.snapshot != number_) Write(session);
  }
  void AfterOpening(Session& session) { session.snapshot = number_; }

  // Bytes written and not handed out: more than a piece if sessions change faster than pieces are taken. At most what
  // all sessions take, as each is written once.
  size_t waiting() const { return waiting_; }

  // Replaces `piece` by the next up to `limit` bytes. False: this piece, perhaps empty, was the last.
  bool Next(SessionTable& sessions, size_t limit, std::string& piece);

 private:
  void Write(Session& session);
  void Take(size_t limit, std::string& piece);

  bool active_ = false;
  uint32_t number_ = 0;
  SessionRef next_ = 0;             // the table's places before it are done
  std::deque<std::string> blocks_;  // written; of the first block `taken_` bytes were handed out
  size_t taken_ = 0;
  size_t waiting_ = 0;  // bytes that were not
};

class SnapshotReader {
 public:
  // Calls `add(Unpacker&) -> bool` for each whole session that `piece` completes; false as soon as a call says so.
  template <typename Add>
  bool Take(std::string_view piece, Add add) {
    rest_.append(piece);
    size_t begin = 0;
    while (const auto size = NextSize(begin)) {
      Unpacker in(std::string_view(rest_).substr(begin + kSizeBytes, *size));
      if (!add(in) || !in.AtEnd()) return false;
      begin += kSizeBytes + *size;
    }
    rest_.erase(0, begin);
    return true;
  }

  // Whether the stream ended with a whole session.
  bool AtEnd() const { return rest_.empty(); }

 private:
  static constexpr size_t kSizeBytes = sizeof(uint32_t);

  // The size of the session at `begin`; nothing while it is not whole.
  std::optional<uint32_t> NextSize(size_t begin) const;

  std::string rest_;
  friend class SnapshotWriter;
};

}  // namespace tidemark
