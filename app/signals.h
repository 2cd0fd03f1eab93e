// SIGINT and SIGTERM as something the main thread asks for.
#pragma once

#include "core/types.h"

namespace tidemark {

// Blocks both for the calling thread and those it starts from now on. Called before any other thread exists.
void BlockStopSignals();

// Waits up to `timeout` for one of them; returns whether one came.
bool WaitForStopSignal(Duration timeout);

// For a command that works in one thread and may wait in a write: the first of them is noted, the next one ends the
// process as it would without this.
void NoteStopSignal();
bool StopSignalNoted();

}  // namespace tidemark
