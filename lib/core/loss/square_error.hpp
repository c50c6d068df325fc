#pragma once

#include "core/memory/types.hpp"

namespace spnode::core {

/// sum_il rows(i) columns(l) (X(i, l) - Y(i, l))^2, and its gradient.
///
/// X, Y: (r, lanes); rows: (r); columns: (lanes); sums: (r) is overwritten with the sums of the rows, to be
/// added on the host in order; they are double whatever X and Y are. The first form only evaluates; the
/// second also writes factor times the gradient with respect to X into X_bar.
template <class Real>
struct WeightedSquares {
  ConstVectorView<Real> rows, columns;
  ConstMatrixView<Real> X, Y;

  void value(const ExecSpace& space, VectorView<double> sums) const;
  void value_and_gradient(const ExecSpace& space, double factor, VectorView<double> sums,
                          MatrixView<Real> X_bar) const;
};

}  // namespace spnode::core
