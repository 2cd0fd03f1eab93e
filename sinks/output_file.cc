#include "sinks/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tidemark {
namespace {

absl::Status OpenError(const std::string& path, int error) {
  const std::string why = fmt::format("cannot write {}: {}", path, std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(why + "; create its directory first");
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(why + "; choose a place this user may write to");
    case EISDIR:
      return absl::FailedPreconditionError(why + "; name a file in it");
    default:
      return absl::InternalError(why);
  }
}

// Waits until a descriptor that somebody made non-blocking takes bytes again.
void WaitUntilWritable(int fd) {
  pollfd waiting{fd, POLLOUT, 0};
  poll(&waiting, 1, -1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& path) {
  if (path == "-") return std::unique_ptr<OutputFile>(new OutputFile(STDOUT_FILENO, "standard output"));
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return OpenError(path, errno);
  return std::unique_ptr<OutputFile>(new OutputFile(fd, path));
}

OutputFile::OutputFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  buffer_.reserve(kFlushBytes + kFlushBytes / 4);
}

OutputFile::~OutputFile() { Close().IgnoreError(); }

absl::Status OutputFile::WriteLine(std::string_view line) {
  buffer_.append(line);
  buffer_ += '\n';
  return Written();
}

absl::Status OutputFile::Flush() {
  size_t done = 0;
  while (status_.ok() && done < buffer_.size()) {
    const ssize_t written = write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      WaitUntilWritable(fd_);
    } else if (errno != EINTR) {
      status_ = Fail(errno);
    }
  }
  buffer_.clear();
  return status_;
}

absl::Status OutputFile::Close() {
  Flush().IgnoreError();
  if (fd_ >= 0 && fd_ != STDOUT_FILENO && close(fd_) != 0 && status_.ok()) status_ = Fail(errno);
  fd_ = -1;
  return status_;
}

absl::Status OutputFile::Fail(int error) {
  if (error == EPIPE) return absl::CancelledError(fmt::format("the reader of {} is gone", name_));
  const std::string why = fmt::format("cannot write {}: {}", name_, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return absl::ResourceExhaustedError(why + "; the output is incomplete: make room or write elsewhere, then repeat");
  }
  return absl::DataLossError(why + "; the output is incomplete");
}

}  // namespace tidemark
