#pragma once

#include "core/matrix_functions/linear_algebra.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// du/dt = A u + Q m(u) + b with the monomials m of core/kernels/quadratic.hpp: where a model may start from.
struct QuadraticRate {
  std::vector<double> A;  ///< (n, n)
  std::vector<double> Q;  ///< (n, n (n + 1) / 2); empty: no quadratic part
  std::vector<double> b;  ///< (n); empty: no constant
};

/// Moves the eigenvalues of A (n, n) to real parts of at most `most`: those above it lose the excess, in the
/// basis of the Schur form, where nothing else changes.
void limit_real_parts(std::span<double> A, double most);

/// The matrix logarithm of M (n, n) over h: the A with exp(h A) = M. Inverse scaling and squaring: square
/// roots by the iteration of Denman and Beavers until M is near one, then the series of 2 artanh((M - I) (M +
/// I)^-1). Raises NumericalError where M has no real logarithm or is singular.
std::vector<double> logarithm(std::span<const double> M, double h);

}  // namespace spnode::core
