#include "ingest/line_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace tidemark {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;

}  // namespace

absl::StatusOr<LineReader> LineReader::Open(const std::string& path) {
  auto source = OpenByteSource(path);
  if (!source.ok()) return source.status();
  return LineReader(*std::move(source), path == "-" ? "standard input" : path);
}

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::string path)
    : source_(std::move(source)),
      path_(std::move(path)),
      buffer_(std::make_unique<char[]>(kBufferBytes + kPaddingBytes)),
      capacity_(kBufferBytes) {}

absl::Status LineReader::NextBatch(std::vector<std::string_view>& lines) {
  lines.clear();
  if (at_end_) return absl::OkStatus();
  MoveRestToFront();
  while (lines.empty() && !at_end_) {
    if (end_ == capacity_) {
      absl::Status grown = Grow();
      if (!grown.ok()) return grown;
    }
    auto read = source_->Read(buffer_.get() + end_, capacity_ - end_);
    at_end_ = !read.ok() || *read == 0;
    if (!read.ok()) return read.status();
    const size_t searched = end_;
    end_ += *read;
    SplitLines(searched, lines);
  }
  return absl::OkStatus();
}

void LineReader::MoveRestToFront() {
  if (begin_ == 0) return;
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

absl::Status LineReader::Grow() {
  if (capacity_ >= kMaxLineBytes) {
    at_end_ = true;
    return absl::OutOfRangeError(
        fmt::format("{} has a line of more than {} bytes; is it one JSON object a line?", path_, kMaxLineBytes));
  }
  auto larger = std::make_unique_for_overwrite<char[]>(capacity_ * 2 + kPaddingBytes);
  std::memcpy(larger.get(), buffer_.get(), end_);
  std::memset(larger.get() + capacity_ * 2, 0, kPaddingBytes);
  buffer_ = std::move(larger);
  capacity_ *= 2;
  return absl::OkStatus();
}

// Lines that end in what was read since `searched`; at the end of the input also the one that does not end.
void LineReader::SplitLines(size_t searched, std::vector<std::string_view>& lines) {
  const char* base = buffer_.get();
  while (searched < end_) {
    const void* found = std::memchr(base + searched, '\n', end_ - searched);
    if (found == nullptr) break;
    const size_t newline = static_cast<size_t>(static_cast<const char*>(found) - base);
    lines.emplace_back(base + begin_, newline - begin_);
    begin_ = searched = newline + 1;
  }
  if (at_end_ && begin_ < end_) {
    lines.emplace_back(base + begin_, end_ - begin_);
    begin_ = end_;
  }
}

}  // namespace tidemark
