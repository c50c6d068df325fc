// Ends the program with a message where the processor lacks instructions that it was built with. It runs
// before all constructors, also those of shared libraries: these may call templates of the C++ library that
// the linker took from files of ours. It is compiled for any processor (CMakeLists.txt).
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "core/machine/processor.hpp"

namespace {

/// The value of a variable, null where there is none. getenv() is not ready yet.
const char* value_of(const char* name, char** environment) {
  const std::size_t length = std::strlen(name);
  for (; *environment != nullptr; ++environment)
    if (std::strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return *environment + length + 1;
  return nullptr;
}

/// MPI has not started: its launchers say in the environment who is the first of a node.
bool is_first_of_node(char** environment) {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"})
    if (const char* const rank = value_of(name, environment)) return std::strcmp(rank, "0") == 0;
  return true;
}

void refuse_unfit_processor(int, char**, char** environment) {
  const spnode::core::ProcessorFit fit = spnode::core::processor_fit();
  if (fit.missing == nullptr) return;
  if (is_first_of_node(environment)) {
    char node[256] = "this node";
    gethostname(node, sizeof node - 1);
    char message[1024];
    const int length = std::snprintf(
        message, sizeof message,
        "spnode: error: this program was built for %s; the processor of %s lacks %s. Build it with "
        "-DSPNODE_ARCH=%s\n",
        spnode::core::build_target.name, node, fit.missing, fit.level);
    if (write(STDERR_FILENO, message, static_cast<std::size_t>(length)) < 0) _exit(2);
  }
  _exit(2);
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const at_start)(int, char**,
                                                                     char**) = refuse_unfit_processor;

}  // namespace
