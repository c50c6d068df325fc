#pragma once
/// Owners of PETSc handles and the translation of PETSc's error codes into exceptions.

#include "core/error.hpp"

#include <petscsys.h>

#include <string>

#if PETSC_VERSION_LT(3, 19, 0)
#define PETSC_SUCCESS 0
#endif

namespace spnode::distributed {

/// Throws where a PETSc or SLEPc call failed. Not collective.
inline void check_petsc(PetscErrorCode code, const char* call) {
  if (code == PETSC_SUCCESS) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw Error(ExitStatus::internal_error,
              std::string(call) + " failed: " + (text != nullptr ? text : "unknown PETSc error"));
}

}  // namespace spnode::distributed

#define SPNODE_PETSC(call) ::spnode::distributed::check_petsc((call), #call)
