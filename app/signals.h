// SIGINT and SIGTERM as something the main thread asks for, in place of handlers.
#pragma once

#include "core/types.h"

namespace tidemark {

// Blocks both for the calling thread and those it starts from now on. Called before any other thread exists.
void BlockStopSignals();

// Waits up to `timeout` for one of them; returns whether one came.
bool WaitForStopSignal(Duration timeout);

}  // namespace tidemark
