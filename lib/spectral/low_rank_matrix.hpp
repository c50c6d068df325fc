#pragma once
/// Matrices that are diagonal plus low rank, without their entries.

#include "core/matrix_functions/structured_matrix.hpp"
#include "petsc/handles.hpp"

#include <petscmat.h>

namespace spnode::spectral {

using petsc::MatHandle;

/// A = diag(d) + F J F^T as a shell matrix: products, and an upper bound of its 2-norm where a norm is
/// asked for. Its rows are spread over `comm`. `A` must outlive it. Collective on `comm`.
/// @param A of structure low_rank, the same on all ranks of `comm`
MatHandle make_low_rank_matrix(MPI_Comm comm, const core::StructuredMatrix& A);

/// The largest eigenvalue of the symmetric part, diag(d) - U U^T, to rounding: bisection on the number of
/// eigenvalues above sigma, which by Haynsworth's inertia formula is
///   #{d > sigma} - #{eigenvalues <= 0 of I - U^T (diag(d) - sigma)^-1 U}   (r, r).
/// Not collective.
double numerical_abscissa(const core::StructuredMatrix& A);

}  // namespace spnode::spectral
