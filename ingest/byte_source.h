// The bytes of an input: a plain file, standard input (`-`), or either of them compressed with gzip or Zstandard.
// What it is is told by its first bytes, never by its name.
//
// Errors say what to do. A compressed input that is cut off or damaged is an error at that place, after the bytes
// before it have been handed out. One thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tidemark {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // Reads at most `size` bytes into `data`; 0 at the end.
  virtual absl::StatusOr<size_t> Read(char* data, size_t size) = 0;

  // Bytes read of the file as it is stored (compressed), and its size; 0: not known, as for a pipe.
  virtual uint64_t consumed_bytes() const = 0;
  virtual uint64_t total_bytes() const = 0;

  // Whether Read may have to wait for a pipe's other end.
  virtual bool WouldWait() const = 0;
};

// Opens `path`; "-" is standard input.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path);

}  // namespace tidemark
