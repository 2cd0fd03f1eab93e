#include "ingest/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace tidemark {
namespace {

constexpr size_t kCompressedBytes = size_t{256} << 10;
constexpr size_t kMagicBytes = 4;
constexpr std::string_view kGzipMagic("\x1f\x8b", 2);
constexpr std::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);
constexpr std::string_view kZstdSkippableMagic("\x2a\x4d\x18", 3);  // after a byte 0x50 to 0x5f

bool IsZstd(std::string_view start) {
  if (start.starts_with(kZstdMagic)) return true;
  return start.size() >= 4 && (static_cast<unsigned char>(start[0]) & 0xF0) == 0x50 &&
         start.substr(1, 3) == kZstdSkippableMagic;
}

// Compressed otherwise: each line would be a dead letter.
struct UnreadFormat {
  std::string_view magic;
  const char* name;
  const char* reader;  // the command that decompresses to standard output
};
constexpr UnreadFormat kUnreadFormats[] = {{"\xfd\x37zX", "xz", "xzcat"},
                                           {"BZh", "bzip2", "bzcat"},
                                           {"PK\x03\x04", "zip", "unzip -p"},
                                           {"\x04\x22\x4d\x18", "lz4", "lz4cat"}};

absl::Status CheckFormat(std::string_view start, const std::string& name, bool standard_input) {
  for (const UnreadFormat& format : kUnreadFormats) {
    if (!start.starts_with(format.magic)) continue;
    return absl::FailedPreconditionError(
        fmt::format("cannot read {}: it is {}, not gzip or zstd; use: {}{} | tidemark replay -", name, format.name,
                    format.reader, standard_input ? "" : ' ' + name));
  }
  return absl::OkStatus();
}

absl::Status InputError(const std::string& name, int error) {
  const std::string why = fmt::format("cannot read {}: {}", name, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(why + "; check the path");
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(why + "; give this user the right to read it");
    case EISDIR:
      return absl::FailedPreconditionError(
          fmt::format("cannot read {0}: it is a directory; name its files: {0}/*", name));
    default:
      return absl::InternalError(why);
  }
}

// The bytes of a descriptor as they are. The first few can be looked at before they are read.
class PlainSource : public ByteSource {
 public:
  PlainSource(int fd, std::string name, uint64_t total) : fd_(fd), name_(std::move(name)), total_(total) {}
  ~PlainSource() override {
    if (fd_ != STDIN_FILENO) close(fd_);
  }

  const std::string& name() const { return name_; }
  uint64_t consumed_bytes() const override { return consumed_; }
  uint64_t total_bytes() const override { return total_; }

  bool WouldWait() const override {
    if (total_ > 0) return false;
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, 0) == 0;
  }

  absl::StatusOr<size_t> Read(char* data, size_t size) override {
    size_t got = std::min(size, peeked_.size());
    if (got > 0) {
      std::memcpy(data, peeked_.data(), got);
      peeked_.erase(0, got);
    } else {
      auto read = ReadDescriptor(data, size);
      if (!read.ok()) return read;
      got = *read;
    }
    consumed_ += got;
    return got;
  }

  // The first bytes, fewer only where there are no more.
  absl::StatusOr<std::string_view> Peek() {
    char bytes[kMagicBytes];
    while (peeked_.size() < kMagicBytes) {
      auto read = ReadDescriptor(bytes, kMagicBytes - peeked_.size());
      if (!read.ok()) return read.status();
      if (*read == 0) break;
      peeked_.append(bytes, *read);
    }
    return std::string_view(peeked_);
  }

 private:
  absl::StatusOr<size_t> ReadDescriptor(char* data, size_t size) {
    for (;;) {
      const ssize_t got = read(fd_, data, size);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        pollfd waiting{fd_, POLLIN, 0};
        poll(&waiting, 1, -1);
      } else if (errno != EINTR) {
        return InputError(name_, errno);
      }
    }
  }

  int fd_;
  std::string name_;
  uint64_t total_;
  uint64_t consumed_ = 0;
  std::string peeked_;
};

// What both kinds of compressed input share: a buffer of compressed bytes.
class CompressedSource : public ByteSource {
 public:
  explicit CompressedSource(std::unique_ptr<PlainSource> source)
      : source_(std::move(source)), buffer_(std::make_unique_for_overwrite<char[]>(kCompressedBytes)) {}

  uint64_t consumed_bytes() const override { return source_->consumed_bytes(); }
  uint64_t total_bytes() const override { return source_->total_bytes(); }
  bool WouldWait() const override { return begin_ == end_ && source_->WouldWait(); }

 protected:
  // Makes sure there is a compressed byte; false at the end of the file.
  absl::StatusOr<bool> Fill() {
    if (begin_ < end_) return true;
    auto read = source_->Read(buffer_.get(), kCompressedBytes);
    if (!read.ok()) return read.status();
    begin_ = 0;
    end_ = *read;
    return end_ > 0;
  }

  absl::Status Truncated(const char* format) const {
    return absl::DataLossError(
        fmt::format("{} ends in the middle of its {} data; copy or download it again", source_->name(), format));
  }
  absl::Status Corrupt(const char* format, const char* detail) const {
    return absl::DataLossError(fmt::format("{} is damaged {} data ({}) near byte {}; copy or download it again",
                                           source_->name(), format, detail, consumed_bytes() - (end_ - begin_)));
  }

  std::unique_ptr<PlainSource> source_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// gzip: one or more members, one after the other; zeros behind the last one are padding, as gzip takes them.
class GzipSource : public CompressedSource {
 public:
  explicit GzipSource(std::unique_ptr<PlainSource> source) : CompressedSource(std::move(source)) {
    inflateInit2(&stream_, 15 + 16);  // the largest window, a gzip header
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  absl::StatusOr<size_t> Read(char* data, size_t size) override {
    for (;;) {
      auto more = Fill();
      if (!more.ok()) return more.status();
      if (!*more) return in_member_ ? absl::StatusOr<size_t>(Truncated("gzip")) : absl::StatusOr<size_t>(0);
      if (padding_ || (!in_member_ && any_member_ && buffer_[begin_] == 0)) {
        absl::Status skipped = SkipPadding();
        if (!skipped.ok()) return skipped;
        continue;
      }
      auto got = Inflate(data, size);
      if (!got.ok() || *got > 0) return got;
    }
  }

 private:
  absl::StatusOr<size_t> Inflate(char* data, size_t size) {
    in_member_ = true;
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.get() + begin_);
    stream_.avail_in = static_cast<uInt>(end_ - begin_);
    stream_.next_out = reinterpret_cast<Bytef*>(data);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, 1u << 30));
    const size_t room = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    begin_ = end_ - stream_.avail_in;
    if (result == Z_STREAM_END) {
      in_member_ = false;
      any_member_ = true;
      inflateReset(&stream_);
    } else if (result != Z_OK) {
      return Corrupt("gzip", stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
    }
    return room - stream_.avail_out;
  }

  absl::Status SkipPadding() {
    padding_ = true;
    for (; begin_ < end_; ++begin_) {
      if (buffer_[begin_] != 0) return Corrupt("gzip", "something else behind its end");
    }
    return absl::OkStatus();
  }

  z_stream stream_{};
  bool in_member_ = false;
  bool any_member_ = false;
  bool padding_ = false;
};

// Zstandard: one or more frames, one after the other.
class ZstdSource : public CompressedSource {
 public:
  explicit ZstdSource(std::unique_ptr<PlainSource> source)
      : CompressedSource(std::move(source)), stream_(ZSTD_createDStream()) {}
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  absl::StatusOr<size_t> Read(char* data, size_t size) override {
    for (;;) {
      // After a full output the decoder may hold more, without a further byte of input.
      if (!pending_output_) {
        auto more = Fill();
        if (!more.ok()) return more.status();
        if (!*more) return in_frame_ ? absl::StatusOr<size_t>(Truncated("Zstandard")) : absl::StatusOr<size_t>(0);
      }
      ZSTD_inBuffer in{buffer_.get() + begin_, end_ - begin_, 0};
      ZSTD_outBuffer out{data, size, 0};
      const size_t result = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(result)) return Failed(result);
      begin_ += in.pos;
      in_frame_ = result != 0;
      pending_output_ = in_frame_ && out.pos == size;
      if (out.pos > 0) return out.pos;
    }
  }

 private:
  absl::Status Failed(size_t result) const {
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
      return absl::FailedPreconditionError(
          fmt::format("{0} was compressed with a window above 128 MiB; use: zstd -dc --long=31 {0} | tidemark replay -",
                      source_->name()));
    }
    return Corrupt("Zstandard", ZSTD_getErrorName(result));
  }

  ZSTD_DStream* stream_;
  bool in_frame_ = false;
  bool pending_output_ = false;
};

// Opens the descriptor and refuses what can never be read.
absl::StatusOr<std::unique_ptr<PlainSource>> OpenPlain(const std::string& path) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : path;
  const int fd = standard_input ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return InputError(name, errno);
  struct stat info {};
  const int failed = fstat(fd, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  const uint64_t total = failed == 0 && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
  auto source = std::make_unique<PlainSource>(fd, name, total);
  if (failed != 0) return InputError(name, failed);
  return source;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path) {
  auto plain = OpenPlain(path);
  if (!plain.ok()) return plain.status();
  auto start = (*plain)->Peek();
  if (!start.ok()) return start.status();
  const absl::Status readable = CheckFormat(*start, (*plain)->name(), path == "-");
  if (!readable.ok()) return readable;
  std::unique_ptr<ByteSource> source;
  if (start->starts_with(kGzipMagic)) {
    source = std::make_unique<GzipSource>(*std::move(plain));
  } else if (IsZstd(*start)) {
    source = std::make_unique<ZstdSource>(*std::move(plain));
  } else {
    source = *std::move(plain);
  }
  return source;
}

}  // namespace tidemark
