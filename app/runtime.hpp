#pragma once
/// Start and end of MPI, Kokkos, PETSc and SLEPc, and the end of the program on all ranks together.

#include <functional>

#include "app/command_line.hpp"
#include "core/support/error.hpp"
#include "parallel/communicator.hpp"

namespace spnode::app {

using Program = std::function<void(const parallel::Communicator&)>;

/// Starts the libraries, runs `program` on all ranks, ends the libraries and returns the exit status, the
/// same on every rank. Once per process; collective.
///
/// The ranks agree on the outcome before the libraries end, and once more after. An error is printed once, by
/// the lowest rank that has it. Where a rank fails alone, while the others wait for it inside some collective
/// call, it prints its error and ends all of them with MPI_Abort. What raises no Error is an internal error;
/// what Kokkos, PETSc and SLEPc refuse at their start is wrong on the command line, in the environment or in
/// .petscrc. MPI itself ends the program with its own message where it cannot start.
ExitStatus run_on_all_ranks(const CommandLine& line, const Program& program);

}  // namespace spnode::app
