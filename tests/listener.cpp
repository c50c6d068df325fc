// Starts and ends the libraries that a test of one layer needs, around Catch2's own main.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "catch.hpp"

#include "separate_memory.hpp"

#include <Kokkos_Core.hpp>
#ifdef SPNODE_TEST_WITH_MPI
#include <mpi.h>
#include <slepcsys.h>
#endif

namespace {

#ifdef CATCH_VERSION_MAJOR
#if CATCH_VERSION_MAJOR >= 3
#define SPNODE_CATCH_3
#endif
#endif

#ifdef SPNODE_CATCH_3
using ListenerBase = Catch::EventListenerBase;
#else
using ListenerBase = Catch::TestEventListenerBase;
#endif

class Libraries : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testRunStarting(const Catch::TestRunInfo&) override {
#ifdef SPNODE_TEST_WITH_MPI
    MPI_Init(nullptr, nullptr);
    SlepcInitializeNoArguments();
    PetscPopSignalHandler();
#endif
    Kokkos::initialize();
    spnode::test::guard_separate_memory();
  }

  void testRunEnded(const Catch::TestRunStats& stats) override {
    Kokkos::finalize();
#ifdef SPNODE_TEST_WITH_MPI
    // A failed assertion on one rank fails the run; mpirun reports the first non-zero status.
    if (stats.totals.assertions.failed > 0) MPI_Abort(MPI_COMM_WORLD, 1);
    SlepcFinalize();
    MPI_Finalize();
#else
    (void)stats;
#endif
  }
};

}  // namespace

CATCH_REGISTER_LISTENER(Libraries)
