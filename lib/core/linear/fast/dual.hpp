#pragma once
/// Numbers with a tangent, for the derivatives of short formulas in kernels.

#include "core/memory/types.hpp"

#include <cmath>

namespace spnode::core {

/// value + slope e with e^2 = 0. Scalars may be duals themselves: second derivatives.
template <class Scalar>
struct Dual {
  Scalar value, slope;

  KOKKOS_FUNCTION friend Dual operator+(const Dual& a, const Dual& b) {
    return {a.value + b.value, a.slope + b.slope};
  }
  KOKKOS_FUNCTION friend Dual operator-(const Dual& a, const Dual& b) {
    return {a.value - b.value, a.slope - b.slope};
  }
  KOKKOS_FUNCTION friend Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  KOKKOS_FUNCTION friend Dual operator*(double a, const Dual& b) { return {a * b.value, a * b.slope}; }
};

KOKKOS_INLINE_FUNCTION double exponential(double x) { return ::exp(x); }
KOKKOS_INLINE_FUNCTION double hyperbolic_tangent(double x) { return ::tanh(x); }
KOKKOS_INLINE_FUNCTION double sine(double x) { return ::sin(x); }
KOKKOS_INLINE_FUNCTION double cosine(double x) { return ::cos(x); }

template <class Scalar>
KOKKOS_FUNCTION Dual<Scalar> sine(const Dual<Scalar>& x);
template <class Scalar>
KOKKOS_FUNCTION Dual<Scalar> cosine(const Dual<Scalar>& x);

template <class Scalar>
KOKKOS_FUNCTION Dual<Scalar> exponential(const Dual<Scalar>& x) {
  const Scalar value = exponential(x.value);
  return {value, value * x.slope};
}
template <class Scalar>
KOKKOS_FUNCTION Dual<Scalar> hyperbolic_tangent(const Dual<Scalar>& x) {
  const Scalar value = hyperbolic_tangent(x.value);
  return {value, x.slope - value * (value * x.slope)};
}
template <class Scalar>
KOKKOS_FUNCTION Dual<Scalar> sine(const Dual<Scalar>& x) {
  return {sine(x.value), cosine(x.value) * x.slope};
}
template <class Scalar>
KOKKOS_FUNCTION Dual<Scalar> cosine(const Dual<Scalar>& x) {
  return {cosine(x.value), -1.0 * (sine(x.value) * x.slope)};
}

}  // namespace spnode::core
