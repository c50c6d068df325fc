// Calls one function of every layer of the installed library.
#include "core/vector_field/model.hpp"
#include "io/output_directory.hpp"
#include "parallel/communicator.hpp"
#include "reference/generate.hpp"

#include <mpi.h>

#include <cstdio>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::ScopeGuard kokkos(argc, argv);
  std::size_t parameters = 0, times = 0;
  {
    const spnode::parallel::Communicator comm;
    spnode::io::prepare_output_directory(comm, ".");
    const spnode::core::Model model({}, 3);
    parameters = model.initialise(1, nullptr).size();
    times = spnode::reference::reference_times({}).size();
  }
  std::printf("%zu parameters, %zu times\n", parameters, times);
  MPI_Finalize();
  return parameters > 0 && times > 0 ? 0 : 1;
}
