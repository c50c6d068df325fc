#pragma once
/// Dense PETSc matrices made of a matrix that every rank holds, and their singular values.

#include "petsc/handles.hpp"

#include <petscmat.h>

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::spectral {

using petsc::MatHandle;

/// Which matrix is made of A.
enum class Part {
  whole,     ///< A
  symmetric  ///< (A + A^T) / 2
};

/// Makes the n x n matrix; on more than one rank its rows are spread over `comm`. Collective on `comm`.
/// @param matrix (n, n) row major, the same on all ranks of `comm`
MatHandle make_matrix(MPI_Comm comm, std::span<const double> matrix, std::size_t n, Part part);

/// All singular values in descending order, by SLEPc's SVDLAPACK. Not collective: PETSC_COMM_SELF.
/// @param matrix (n, n) row major
std::vector<double> singular_values(std::span<const double> matrix, std::size_t n);

}  // namespace spnode::spectral
