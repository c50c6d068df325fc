#pragma once
/// Start and end of MPI, Kokkos, PETSc and SLEPc, and the end of the program on all ranks together.

#include <functional>
#include <memory>

#include "app/command_line.hpp"
#include "core/error.hpp"
#include "parallel/communicator.hpp"

namespace spnode::app {

/// The libraries, from construction to destruction. One object per process.
class Runtime {
 public:
  explicit Runtime(const CommandLine& line);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const parallel::Communicator& comm() const { return *comm_; }

  /// Runs `program` and turns its outcome into the exit status, the same on every rank.
  ///
  /// The ranks agree on the outcome before they leave. An error is printed once, by the lowest rank that has
  /// it. Where a rank fails alone, while the others wait for it inside some collective call, it prints its
  /// error and ends all of them with MPI_Abort. Collective.
  ExitStatus run(const std::function<void()>& program);

 private:
  ExitStatus agree(ExitStatus status, const std::string& message);

  Arguments kokkos_, petsc_;
  std::unique_ptr<parallel::Communicator> comm_;
  MPI_Comm farewell_ = MPI_COMM_NULL;  ///< carries nothing but the agreement on the outcome
};

}  // namespace spnode::app
