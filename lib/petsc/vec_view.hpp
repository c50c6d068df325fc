#pragma once
/// Sequential vectors and counts between C++ and PETSc.

#include "petsc/petsc.hpp"

#include <petscvec.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace spnode::petsc {

/// The entries of a Vec of PETSC_COMM_SELF while in scope; const where it is only read.
template <class Scalar>
class VecView {
 public:
  VecView(Vec vec, std::size_t size) : vec_(vec), size_(size) {
    if constexpr (std::is_const_v<Scalar>)
      SPNODE_PETSC(VecGetArrayRead(vec, &data_));
    else
      SPNODE_PETSC(VecGetArray(vec, &data_));
  }
  VecView(const VecView&) = delete;
  VecView& operator=(const VecView&) = delete;
  ~VecView() {
    if constexpr (std::is_const_v<Scalar>)
      VecRestoreArrayRead(vec_, &data_);
    else
      VecRestoreArray(vec_, &data_);
  }
  std::span<Scalar> span() const { return {data_, size_}; }

 private:
  Vec vec_;
  std::size_t size_;
  Scalar* data_ = nullptr;
};

/// A number as PETSc counts, or the largest that it can. Not collective.
inline PetscInt petsc_int(std::uint64_t value) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<PetscInt>::max());
  return static_cast<PetscInt>(value < most ? value : most);
}

}  // namespace spnode::petsc
