// Ends the program with a message where the processor lacks instructions that it was built with. It runs
// before the constructors of all other files, which may use them, and is compiled for any processor
// (CMakeLists.txt).
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "core/machine/processor.hpp"

namespace {

/// MPI has not started: its launchers say in the environment who is the first of a node.
bool is_first_of_node() {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"})
    if (const char* const rank = std::getenv(name)) return std::strcmp(rank, "0") == 0;
  return true;
}

__attribute__((constructor(101))) void refuse_unfit_processor() {
  const spnode::core::ProcessorFit fit = spnode::core::processor_fit();
  if (fit.missing == nullptr) return;
  if (is_first_of_node()) {
    char node[256] = "this node";
    gethostname(node, sizeof node - 1);
    std::fprintf(stderr,
                 "spnode: error: this program was built for %s; the processor of %s lacks %s. Build it with "
                 "-DSPNODE_ARCH=%s\n",
                 spnode::core::build_target.name, node, fit.missing, fit.level);
  }
  _exit(2);
}

}  // namespace
