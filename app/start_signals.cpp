// Notes signals from the start. The libraries' constructors and MPI_Init take a quarter of a second, so the
// flag is raised in .preinit_array, which the loader runs before any constructor. Only an executable has one,
// and like processor_guard.cpp this file is compiled for any processor (CMakeLists.txt).
#include "app/start_signals.hpp"

#include <optional>

#include "training/signals.hpp"

namespace spnode::app {

namespace {

constinit std::optional<training::SignalFlag> flag;

void raise_flag() { flag.emplace(); }

__attribute__((section(".preinit_array"), used)) void (*before_constructors)() = raise_flag;

}  // namespace

void end_by_signals() { flag.reset(); }

}  // namespace spnode::app
