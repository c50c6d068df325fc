#pragma once
/// Tells eigenvalues beyond a bound from eigenvalues that only rounding put there.

#include "spectral/eigen_solver.hpp"

#include <cstddef>
#include <span>

namespace spnode::spectral {

enum class Verdict { kept, violated };

/// Is the real part of `eigenvalue` of A beyond `bound` by more than changes of A of 2-norm `perturbation`
/// explain?
///
/// A fixed tolerance on the real part cannot decide this: of a Jordan block of order k, changes of relative
/// size eps move eigenvalues by eps^(1/k), of a normal matrix only by eps. So the question is asked of the
/// matrix: the excess counts as rounding where the whole segment from the eigenvalue to the bound lies in the
/// pseudospectrum of that size, that is sigma_min(A - z I) <= perturbation for each z on it (Trefethen and
/// Embree 2005, section 2), for then a matrix so close to A has an eigenvalue on the bound, and a path of
/// such matrices leads there. The segment is sampled at its end and at its quarters. Not collective.
///
/// @param matrix A, (n, n) row major
/// @param perturbation 2-norm, in the units of A
Verdict check_bound(std::span<const double> matrix, std::size_t n, const Eigenvalue& eigenvalue, double bound,
                    double perturbation);

}  // namespace spnode::spectral
