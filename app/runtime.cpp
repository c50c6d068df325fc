#include "app/runtime.hpp"

#include <dlfcn.h>
#include <fmt/core.h>
#include <slepcsys.h>

#include <Kokkos_Core.hpp>
#include <chrono>
#include <cstdio>
#include <new>
#include <thread>

#include "distributed/petsc.hpp"

namespace spnode::app {

namespace {

/// How long a failed rank waits for the others to reach the end before it takes them down.
constexpr std::chrono::seconds patience{10};

void print_error(const std::string& message) {
  std::fflush(stdout);
  fmt::print(stderr, "spnode: error: {}\n", message);
  std::fflush(stderr);
}

/// Ranks are the only parallelism, and the order of the sums inside BLAS must not depend on a number of
/// threads. OpenBLAS reads its environment before main(), so it is told by a call, where it is there at all.
void use_one_blas_thread() {
  using SetThreads = void (*)(int);
  if (const auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
}

/// Tells of options for PETSc that nothing asked for: they may be misspelt.
void report_unused_options() {
  PetscInt count = 0;
  char **names = nullptr, **values = nullptr;
  if (PetscOptionsLeftGet(nullptr, &count, &names, &values) != PETSC_SUCCESS) return;
  for (PetscInt i = 0; i < count; ++i)
    fmt::print(stderr, "spnode: warning: option -{} is not used\n", names[i]);
  PetscOptionsLeftRestore(nullptr, &count, &names, &values);
}

}  // namespace

Runtime::Runtime(const CommandLine& line)
    : kokkos_(line.program, line.kokkos), petsc_(line.program, line.petsc) {
  use_one_blas_thread();
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  Kokkos::initialize(kokkos_.count, kokkos_.values);
  SPNODE_PETSC(SlepcInitialize(&petsc_.count, &petsc_.values, nullptr, nullptr));
  // Errors become exceptions with PETSc's own text; signals belong to the trainer, crashes to the system.
  SPNODE_PETSC(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
  SPNODE_PETSC(PetscPopSignalHandler());
  comm_ = std::make_unique<parallel::Communicator>(MPI_COMM_WORLD);
  distributed::silence_replicas(*comm_);
  MPI_Comm_dup(MPI_COMM_WORLD, &farewell_);
}

Runtime::~Runtime() {
  MPI_Comm_free(&farewell_);
  SlepcFinalize();
  Kokkos::finalize();
  MPI_Finalize();
}

ExitStatus Runtime::run(const std::function<void()>& program) {
  ExitStatus status = ExitStatus::success;
  std::string message;
  try {
    program();
  } catch (const Error& error) {
    status = error.status();
    message = error.what();
  } catch (const std::bad_alloc&) {
    status = ExitStatus::internal_error;
    message = fmt::format("out of memory on rank {}", comm_->rank());
  } catch (const std::exception& error) {
    status = ExitStatus::internal_error;
    message = error.what();
  }
  return agree(status, message);
}

ExitStatus Runtime::agree(ExitStatus status, const std::string& message) {
  // The smallest of rank * 256 + status over the failed ranks names both in one number.
  const int none = comm_->size() * 256;
  const bool failed = status != ExitStatus::success;
  const int mine = failed ? comm_->rank() * 256 + static_cast<int>(status) : none;
  int first = none;
  MPI_Request request;
  MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, farewell_, &request);

  const auto start = std::chrono::steady_clock::now();
  for (int done = 0; done == 0;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done == 0 && failed && std::chrono::steady_clock::now() - start > patience) {
      print_error(fmt::format("{} (on rank {} alone; all ranks are ended)", message, comm_->rank()));
      MPI_Abort(MPI_COMM_WORLD, static_cast<int>(status));
    }
    if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (first == none) {
    if (comm_->is_root()) report_unused_options();
    return ExitStatus::success;
  }
  if (first / 256 == comm_->rank()) print_error(message);
  return static_cast<ExitStatus>(first % 256);
}

}  // namespace spnode::app
