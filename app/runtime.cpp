#include "app/runtime.hpp"

#include <dlfcn.h>
#include <fmt/core.h>
#include <slepcsys.h>

#include <Kokkos_Core.hpp>
#include <chrono>
#include <cstdio>
#include <new>
#include <thread>

#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"
#include "petsc/files.hpp"
#include "petsc/petsc.hpp"

namespace spnode::app {

namespace {

/// How long a failed rank waits for the others to reach the end before it takes them down.
constexpr std::chrono::seconds patience{10};

/// How a part of the program ended on this rank.
struct Outcome {
  ExitStatus status = ExitStatus::success;
  std::string message;
};

void print_error(const std::string& message) {
  std::fflush(stdout);
  fmt::print(stderr, "spnode: error: {}\n", printable(message, "\n"));
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
    fmt::print(stderr, "spnode: warning: option -{} is not used\n", printable(names[i]));
  PetscOptionsLeftRestore(nullptr, &count, &names, &values);
}

Outcome attempt(const parallel::Communicator& comm, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.status(), error.what()};
  } catch (const std::bad_alloc&) {
    return {ExitStatus::internal_error, core::out_of_memory(comm.rank())};
  } catch (const std::exception& error) {
    return {ExitStatus::internal_error, error.what()};
  }
  return {};
}

/// Makes outcomes common, on a communicator that carries nothing else.
class Agreement {
 public:
  explicit Agreement(const parallel::Communicator& world) : world_(world) {
    MPI_Comm_dup(world.handle(), &comm_);
  }
  ~Agreement() { MPI_Comm_free(&comm_); }
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;

  /// The status for all ranks, its message printed unless it is empty. Collective; a rank that fails alone
  /// ends the others.
  ExitStatus on(const Outcome& mine) {
    // The smallest of rank * 256 + status over the failed ranks names both in one number.
    const int none = world_.size() * 256;
    const bool failed = mine.status != ExitStatus::success;
    const int code = failed ? world_.rank() * 256 + static_cast<int>(mine.status) : none;
    int first = none;
    MPI_Request request;
    MPI_Iallreduce(&code, &first, 1, MPI_INT, MPI_MIN, comm_, &request);

    const auto start = std::chrono::steady_clock::now();
    for (int done = 0; done == 0;) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done == 0 && failed && std::chrono::steady_clock::now() - start > patience) abort(mine);
      if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (first == none) return ExitStatus::success;
    if (first / 256 == world_.rank() && !mine.message.empty()) print_error(mine.message);
    return static_cast<ExitStatus>(first % 256);
  }

 private:
  void abort(const Outcome& mine) const {
    print_error(fmt::format("{} (on rank {} alone; all ranks are ended)", mine.message, world_.rank()));
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(mine.status));
  }

  const parallel::Communicator& world_;
  MPI_Comm comm_ = MPI_COMM_NULL;
};

/// Kokkos, PETSc and SLEPc.
class Libraries {
 public:
  explicit Libraries(const CommandLine& line)
      : kokkos_(line.program, line.kokkos), petsc_(line.program, line.petsc), petsc_words_(line.petsc) {}

  /// Collective. Raises UsageError.
  void start(const parallel::Communicator& comm) {
    start_kokkos();
    parallel::collectively(comm, [&] {
      if (comm.is_root()) petsc::check_start_files(petsc_words_);
    });
    start_petsc();
    petsc::silence_replicas(comm);
    petsc::check_viewer_files(comm);
  }

  /// Ends those that have started. Collective.
  void finish() {
    if (petsc_started_) SPNODE_PETSC(SlepcFinalize());
    if (Kokkos::is_initialized()) Kokkos::finalize();
  }

 private:
  void start_kokkos() {
    try {
      Kokkos::initialize(kokkos_.count, kokkos_.values);
    } catch (const std::exception& error) {
      const std::string what = error.what();  // a trace of calls follows on lines of its own
      throw UsageError("Kokkos does not start: " + what.substr(0, what.find('\n')));
    }
  }

  void start_petsc() {
    petsc::quieten_errors();
    // Signals are noted from the start (start_signals.hpp), crashes belong to the system.
    SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-no_signal_handler", nullptr));
    petsc::check_options(SlepcInitialize(&petsc_.count, &petsc_.values, nullptr, nullptr),
                         "PETSc does not start (options of the command line, PETSC_OPTIONS, .petscrc)");
    petsc_started_ = true;
  }

  Arguments kokkos_, petsc_;
  std::vector<std::string> petsc_words_;
  bool petsc_started_ = false;
};

}  // namespace

ExitStatus run_on_all_ranks(const CommandLine& line, const Program& program) {
  use_one_blas_thread();
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  ExitStatus status = ExitStatus::success;
  {
    const parallel::Communicator comm(MPI_COMM_WORLD);
    Agreement agree(comm);
    Libraries libraries(line);
    status = agree.on(attempt(comm, [&] {
      libraries.start(comm);
      program(comm);
    }));
    if (status == ExitStatus::success && comm.is_root()) report_unused_options();
    Outcome end = attempt(comm, [&] { libraries.finish(); });
    if (status != ExitStatus::success) end.message.clear();  // what went wrong first has been said
    const ExitStatus end_status = agree.on(end);
    if (status == ExitStatus::success) status = end_status;
  }
  MPI_Finalize();
  return status;
}

}  // namespace spnode::app
