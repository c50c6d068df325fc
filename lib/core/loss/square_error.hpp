#pragma once

#include "core/types.hpp"

namespace spnode::core {

/// sum_il rows(i) columns(l) (X(i, l) - Y(i, l))^2, and its gradient.
///
/// X, Y: (r, lanes); rows: (r); columns: (lanes); sums: (r) is overwritten with the sums of the rows, to be
/// added on the host in order. The first form only evaluates; the second also writes factor times the
/// gradient with respect to X into X_bar.
struct WeightedSquares {
  ConstVectorView rows, columns;
  ConstMatrixView X, Y;

  void value(const ExecSpace& space, VectorView sums) const;
  void value_and_gradient(const ExecSpace& space, double factor, VectorView sums, MatrixView X_bar) const;
};

}  // namespace spnode::core
