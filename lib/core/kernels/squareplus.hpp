#pragma once
/// A smooth rectifier, (x + sqrt(x^2 + b)) / 2 (Barron 2021, arXiv:2112.11687): 1-Lipschitz, without
/// saturation, and its derivative follows from its value.

#include <Kokkos_Core.hpp>
#include <cmath>

namespace spnode::core {

inline constexpr double squareplus_b = 0.1;

template <class Real>
KOKKOS_INLINE_FUNCTION Real squareplus(Real x) {
  return (x + std::sqrt(x * x + Real(squareplus_b))) / 2;
}

/// The derivative where the value is y: y - b / (4 y) = x, so it is 1 / (1 + b / (4 y^2)).
template <class Real>
KOKKOS_INLINE_FUNCTION Real squareplus_derivative(Real y) {
  const Real square = 4 * y * y;
  return square / (square + Real(squareplus_b));
}

}  // namespace spnode::core
