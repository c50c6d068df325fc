#pragma once

#include "core/memory/types.hpp"

#include <cstddef>
#include <vector>

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

 private:
  KOKKOS_INLINE_FUNCTION double row_value(std::size_t i) const;
};

/// Evaluates them and adds the sums of the rows, in order.
class RowSums {
 public:
  /// `rows`: the most that there will be.
  explicit RowSums(std::size_t rows) : sums_("spnode::core::RowSums", rows) { host_.reserve(rows); }

  template <class Real>
  double value(const ExecSpace& space, const WeightedSquares<Real>& squares) {
    const VectorView<double> sums = of(squares.X.extent(0));
    squares.value(space, sums);
    return total(sums);
  }

  template <class Real>
  double value_and_gradient(const ExecSpace& space, const WeightedSquares<Real>& squares, double factor,
                            MatrixView<Real> X_bar) {
    const VectorView<double> sums = of(squares.X.extent(0));
    squares.value_and_gradient(space, factor, sums, X_bar);
    return total(sums);
  }

 private:
  VectorView<double> of(std::size_t rows) const { return VectorView<double>(sums_.data(), rows); }
  double total(const VectorView<double>& sums);

  Vector<double> sums_;
  std::vector<double> host_;
};

}  // namespace spnode::core
