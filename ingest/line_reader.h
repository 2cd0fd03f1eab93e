// The lines of an input, where they lie in large read buffers: nothing is copied but the beginning of a line that a
// buffer's end cuts in two.
//
// A batch is what one buffer holds. Its views stay valid until the next call of NextBatch, and at least kPaddingBytes
// bytes behind each of them may be read (they mean nothing). The last line needs no newline; a newline at the end
// makes no further line; a carriage return is part of its line. A line longer than the buffer makes the buffer grow
// with it, up to kMaxLineBytes: however large a line is, it is still handed out whole, so that a dead letter keeps its
// bytes. One thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/byte_source.h"

namespace tidemark {

class LineReader {
 public:
  static constexpr size_t kPaddingBytes = 64;
  static constexpr size_t kMaxLineBytes = size_t{1} << 30;

  // Opens `path`; "-" is standard input.
  static absl::StatusOr<LineReader> Open(const std::string& path);

  LineReader(std::unique_ptr<ByteSource> source, std::string path);

  // Replaces `lines` by the next ones; empty at the end. After an error there are no more lines.
  absl::Status NextBatch(std::vector<std::string_view>& lines);

  // Whether NextBatch may have to wait: the time to flush what has been written so far.
  bool WouldWait() const { return source_->WouldWait(); }

  const std::string& path() const { return path_; }
  uint64_t consumed_bytes() const { return source_->consumed_bytes(); }
  uint64_t total_bytes() const { return source_->total_bytes(); }

 private:
  void MoveRestToFront();
  absl::Status Grow();
  void SplitLines(size_t searched, std::vector<std::string_view>& lines);

  std::unique_ptr<ByteSource> source_;
  std::string path_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_;
  size_t begin_ = 0;  // of the first line that is not complete yet
  size_t end_ = 0;    // of the bytes read
  bool at_end_ = false;
};

}  // namespace tidemark
