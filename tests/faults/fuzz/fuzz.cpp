#include "fuzz.hpp"

#include <Kokkos_Core.hpp>
#include <cstdlib>

/// The libraries leave memory to the end of the process.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

namespace spnode::fuzz {

void start_libraries() {
  setenv("OMPI_MCA_opal_signal", "", 1);  // crashes belong to libFuzzer, which keeps the input
  MPI_Init(nullptr, nullptr);
  Kokkos::initialize();
}

}  // namespace spnode::fuzz
