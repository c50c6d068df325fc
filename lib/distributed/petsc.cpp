#include "distributed/petsc.hpp"

#include <cstdio>
#include <string>

namespace spnode::distributed {

void check_petsc(PetscErrorCode code, const char* call) {
  if (code == PETSC_SUCCESS) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw Error(ExitStatus::internal_error,
              std::string(call) + " failed: " + (text != nullptr ? text : "unknown PETSc error"));
}

QuietErrors::QuietErrors() { SPNODE_PETSC(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr)); }

QuietErrors::~QuietErrors() { PetscPopErrorHandler(); }

void silence_replicas(const parallel::Communicator& comm) {
  if (comm.is_root()) return;
  if (std::FILE* nowhere = std::fopen("/dev/null", "w")) PETSC_STDOUT = nowhere;
}

}  // namespace spnode::distributed
