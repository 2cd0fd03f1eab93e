// What the process says to whoever started it: the numbers of sysexits.h, as shells, systemd and Kubernetes know them.
#pragma once

#include "absl/status/status.h"

namespace tidemark {

enum ExitCode : int {
  kExitOk = 0,
  kExitUsage = 64,         // the command line is wrong
  kExitData = 65,          // the data failed a condition (--fail-on)
  kExitNoInput = 66,       // an input file is missing or cannot be read
  kExitUnavailable = 69,   // a broker is unreachable at start, or the HTTP port is taken
  kExitInternal = 70,      // a bug, or the watchdog
  kExitCannotWrite = 73,   // an output cannot be created or written: disk full, no such folder
  kExitTemporary = 75,     // try again: nothing is wrong with the settings
  kExitNotAllowed = 77,    // permission denied, authentication refused
  kExitConfig = 78,        // configuration, a fenced twin, a choice is needed: starting again does not help
  kExitInterrupted = 130,  // told to stop before the work was done
  kExitClosedPipe = 141,   // the reader of standard output has left, as SIGPIPE would have ended it
};

// The exit code an error ends the process with. Functions that fail choose the status code by this table.
inline ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
      return kExitConfig;
    case absl::StatusCode::kOutOfRange:
      return kExitData;
    case absl::StatusCode::kNotFound:
      return kExitNoInput;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnavailable;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDataLoss:
      return kExitCannotWrite;
    case absl::StatusCode::kAborted:
      return kExitTemporary;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitNotAllowed;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitInternal;
  }
}

}  // namespace tidemark
