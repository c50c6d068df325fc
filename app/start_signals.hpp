#pragma once
/// SIGTERM and SIGUSR1 are noted (training::SignalFlag) from the start of the process.

#include "core/support/error.hpp"

namespace spnode::app {

/// From now on they have their default action and end the process at once. Not collective.
void end_by_signals();

/// What a command raises whose work has not begun.
inline Interrupted stopped_before_work() {
  return Interrupted("stopped by a signal before the work began; nothing is lost, run again");
}

}  // namespace spnode::app
