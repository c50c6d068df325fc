#include "petsc/petsc.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <utility>

namespace spnode::petsc {

namespace {

/// What the last error said where it arose; a plain array, for nothing may throw inside PETSc.
std::array<char, 512> origin{};

PetscErrorCode keep_origin(MPI_Comm, int, const char*, const char*, PetscErrorCode code, PetscErrorType type,
                           const char* message, void*) {
  if (type == PETSC_ERROR_INITIAL && message != nullptr)
    std::snprintf(origin.data(), origin.size(), "%s", message);
  return code;
}

/// What was said where the error arose, else PETSc's text for the code.
std::string reason(PetscErrorCode code) {
  std::string reason = std::exchange(origin, {}).data();
  while (reason.ends_with('\n')) reason.pop_back();
  if (!reason.empty()) return reason;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  return text != nullptr ? text : "unknown PETSc error " + std::to_string(code);
}

ExitStatus status_of(PetscErrorCode code) {
  const bool file = code == PETSC_ERR_FILE_OPEN || code == PETSC_ERR_FILE_READ ||
                    code == PETSC_ERR_FILE_WRITE || code == PETSC_ERR_FILE_UNEXPECTED;
  return file ? ExitStatus::file_error : ExitStatus::internal_error;
}

}  // namespace

void check_petsc(PetscErrorCode code, const char* call) {
  if (code != PETSC_SUCCESS) throw Error(status_of(code), std::string(call) + " failed: " + reason(code));
}

void check_options(PetscErrorCode code, const std::string& refused, const std::string& advice) {
  if (code == PETSC_ERR_MEM) check_petsc(code, refused.c_str());
  if (code != PETSC_SUCCESS) throw UsageError(refused + ": " + reason(code) + advice);
}

void quieten_errors() { PetscPushErrorHandler(keep_origin, nullptr); }

QuietErrors::QuietErrors() { quieten_errors(); }

QuietErrors::~QuietErrors() { PetscPopErrorHandler(); }

void silence_replicas(const parallel::Communicator& comm) {
  if (comm.is_root()) return;
  if (std::FILE* nowhere = std::fopen("/dev/null", "w")) PETSC_STDOUT = nowhere;
}

}  // namespace spnode::petsc
