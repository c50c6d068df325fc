#pragma once
/// Owners of PETSc handles.

#include <petscksp.h>
#include <petsctao.h>

#include <utility>

namespace spnode::petsc {

/// Owns one reference to a PETSc object and gives it back on destruction; movable, not copyable. Destruction
/// is collective where the object is.
template <class Object, auto destroy>
class PetscHandle {
 public:
  PetscHandle() = default;
  explicit PetscHandle(Object object) : object_(object) {}
  PetscHandle(PetscHandle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PetscHandle& operator=(PetscHandle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  PetscHandle(const PetscHandle&) = delete;
  PetscHandle& operator=(const PetscHandle&) = delete;
  ~PetscHandle() {
    if (object_ != nullptr) destroy(&object_);
  }

  Object get() const { return object_; }

  /// For PETSc's creating calls: `VecCreate(comm, vec.put())`. Gives back what was held before.
  Object* put() {
    if (object_ != nullptr) destroy(&object_);
    return &object_;
  }

 private:
  Object object_ = nullptr;
};

using VecHandle = PetscHandle<Vec, VecDestroy>;
using MatHandle = PetscHandle<Mat, MatDestroy>;
using KspHandle = PetscHandle<KSP, KSPDestroy>;
using TaoHandle = PetscHandle<Tao, TaoDestroy>;

}  // namespace spnode::petsc
