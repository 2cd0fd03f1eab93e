// A file, or standard output, written in large pieces, with every error of write(2) and close(2) seen.
//
// What has been appended counts as written only after Flush or Close has returned OK. After an error the file stays
// failed: every later call returns that error and writes nothing, so that a full disk is said once and nothing
// pretends success. Needs SIGPIPE ignored to see a closed pipe. One thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>

namespace tidemark {

class OutputFile {
 public:
  // Creates or empties the file; "-" is standard output. NotFound, PermissionDenied, … say what to do.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Open(const std::string& path);

  // Closes without a word; call Close to hear of errors.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Appends `line` and a newline.
  absl::Status WriteLine(std::string_view line);

  // Where a caller puts text together itself: append to buffer(), then call Written().
  std::string& buffer() { return buffer_; }
  absl::Status Written() { return buffer_.size() >= kFlushBytes || !status_.ok() ? Flush() : absl::OkStatus(); }

  // Hands everything to the operating system. Cancelled: the reader of the pipe is gone; ResourceExhausted: there is no
  // room; DataLoss: anything else.
  absl::Status Flush();
  absl::Status Close();

 private:
  static constexpr size_t kFlushBytes = size_t{256} << 10;

  OutputFile(int fd, std::string name);
  absl::Status Fail(int error);

  int fd_;
  std::string name_;  // for messages
  std::string buffer_;
  absl::Status status_;
};

}  // namespace tidemark
