// How the log looks: text on a terminal (coloured unless NO_COLOR is set), one JSON object a line otherwise.
// Called at start, by the main thread; the lines themselves come from any thread through sinks/log.h.
#pragma once

#include <cstdint>
#include <string>

#include "app/config.h"
#include "sinks/log.h"

namespace tidemark {

// Sends the log to standard error as `options` say.
void SetUpLogging(const LogOptions& options);

// The same line in its two forms, without the newline. `ts_ms`: milliseconds since the epoch.
std::string LogLineAsJson(const LogRecord& record, int64_t ts_ms);
std::string LogLineAsText(const LogRecord& record, int64_t ts_ms, bool colour);

}  // namespace tidemark
