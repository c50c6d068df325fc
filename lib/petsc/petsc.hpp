#pragma once
/// The translation between PETSc's error codes and exceptions, in both directions, and its printing.

#include "core/support/error.hpp"
#include "parallel/communicator.hpp"

#include <petscsys.h>

#include <exception>
#include <string>
#include <utility>

#if PETSC_VERSION_LT(3, 19, 0)
#define PETSC_SUCCESS 0
#endif

namespace spnode::petsc {

/// Raises an Error with PETSc's reason where a PETSc or SLEPc call failed: FileError's status where a file
/// could not be used, else internal. Not collective.
void check_petsc(PetscErrorCode code, const char* call);

/// Raises UsageError with PETSc's reason where a call failed because of the options that it read. Not
/// collective.
/// @param refused what is refused, with the options' names
/// @param advice what would work; appended to the reason
void check_options(PetscErrorCode code, const std::string& refused, const std::string& advice = "");

/// From now on failing PETSc calls only return their code, and the reason is kept for the checks above,
/// instead of printing a trace. May be called before PetscInitialize. Not collective.
void quieten_errors();

/// Runs the bodies of callbacks that PETSc calls: an exception is kept and becomes an error code, so that it
/// never crosses C code; the caller of PETSc gets it back.
class CallbackGuard {
 public:
  /// Inside a callback: `return guard.run([&] { ... });`
  template <class Body>
  PetscErrorCode run(Body&& body) noexcept {
    try {
      std::forward<Body>(body)();
      return PETSC_SUCCESS;
    } catch (...) {
      failure_ = std::current_exception();
      return PETSC_ERR_USER;
    }
  }

  /// Around the PETSc call whose callbacks use this guard: rethrows what one of them raised, else checks
  /// `code`.
  void check(PetscErrorCode code, const char* call) {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    check_petsc(code, call);
  }

 private:
  std::exception_ptr failure_;
};

/// The same while it lives: for calls whose callbacks may throw. Not collective.
class QuietErrors {
 public:
  QuietErrors();
  ~QuietErrors();
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

/// Sends what PETSc prints on other ranks than 0 nowhere. Optimizers are replicated (PETSC_COMM_SELF), and
/// without this -tao_monitor and the like print once per rank. To be called once after PetscInitialize,
/// before anything is printed. Not collective.
void silence_replicas(const parallel::Communicator& comm);

}  // namespace spnode::petsc

#define SPNODE_PETSC(call) ::spnode::petsc::check_petsc((call), #call)
