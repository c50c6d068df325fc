#include "spectral/bound_check.hpp"

#include "spectral/dense_matrix.hpp"

#include <vector>

namespace spnode::spectral {

namespace {

/// sigma_min(A - z I); a complex z through the real form [[A - x, y], [-y, A - x]], which has each value
/// twice.
double smallest_singular_value(std::span<const double> matrix, std::size_t n, double x, double y) {
  const std::size_t order = y == 0.0 ? n : 2 * n;
  std::vector<double> shifted(order * order, 0.0);
  for (std::size_t block = 0; block < order; block += n)
    for (std::size_t i = 0; i < n; ++i) {
      double* const row = shifted.data() + (block + i) * order;
      for (std::size_t j = 0; j < n; ++j) row[block + j] = matrix[i * n + j];
      row[block + i] -= x;
      if (order > n) row[(block == 0 ? n : 0) + i] = block == 0 ? y : -y;
    }
  return singular_values(shifted, order).back();
}

}  // namespace

Verdict check_bound(std::span<const double> matrix, std::size_t n, const Eigenvalue& eigenvalue, double bound,
                    double perturbation) {
  const double excess = eigenvalue.real - bound;
  if (excess <= perturbation) return Verdict::kept;  // a shift by the excess is such a change
  for (const double fraction : {0.5, 0.0, 0.25, 0.75}) {
    const double x = bound + fraction * excess;
    if (smallest_singular_value(matrix, n, x, eigenvalue.imag) > perturbation) return Verdict::violated;
  }
  return Verdict::kept;
}

}  // namespace spnode::spectral
