#pragma once
/// Owners of PETSc handles and the translation of PETSc's error codes into exceptions.

#include "core/error.hpp"

#include <petscsys.h>

#include <string>
#include <utility>

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

/// Owns one PETSc or SLEPc object; `destroy` is its type's, for instance Handle<TS, TSDestroy>. Move only.
template <class T, PetscErrorCode (*destroy)(T*)>
class Handle {
 public:
  Handle() = default;
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() { (void)destroy(&object_); }

  T get() const { return object_; }

  /// Where a creating call puts the object; what was owned before is destroyed.
  T* out() {
    (void)destroy(&object_);
    return &object_;
  }

 private:
  T object_ = nullptr;
};

}  // namespace spnode::distributed

#define SPNODE_PETSC(call) ::spnode::distributed::check_petsc((call), #call)
