#pragma once
/// Where a right-hand side is evaluated.

#include "core/memory/stack.hpp"
#include "core/memory/types.hpp"

#include <concepts>

namespace spnode::core {

/// The state u (n, lanes) and what else the right-hand side depends on, q (m, lanes): parameters of the
/// trajectory, inputs and time, scaled. m = 0 where the model has no arguments besides the state.
template <class Real>
struct Point {
  ConstMatrixView<Real> u, q;

  template <std::convertible_to<ConstMatrixView<Real>> View>
  Point(const View& state) : u(state) {}
  Point(ConstMatrixView<Real> state, ConstMatrixView<Real> arguments) : u(state), q(arguments) {}

  std::size_t lanes() const { return u.extent(1); }

  /// [u; q] for products.
  ConstMatrixStack<Real> stack() const {
    ConstMatrixStack<Real> x(u);
    if (q.extent(0) > 0) x.push_back(q);
    return x;
  }
};

/// A direction at a point; without rows q does not move.
template <class Real>
using PointDot = Point<Real>;

/// The adjoint of a point; without rows that of q is not wanted.
template <class Real>
struct PointBar {
  MatrixView<Real> u, q;

  template <std::convertible_to<MatrixView<Real>> View>
  PointBar(const View& state) : u(state) {}
  PointBar(MatrixView<Real> state, MatrixView<Real> arguments) : u(state), q(arguments) {}
};

}  // namespace spnode::core
