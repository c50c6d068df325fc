#pragma once
/// Numbers of twice the precision of double, as unevaluated sums of two doubles.
///
/// Sums and products of floating-point numbers leave errors that are floating-point numbers themselves, and
/// can be had exactly (Dekker, Numer. Math. 18, 1971; Ogita, Rump, Oishi, SIAM J. Sci. Comput. 26, 2005).
/// Sources that use this header must not be compiled with arithmetic that reassociates.

#include <cmath>

#ifdef __FAST_MATH__
#error \
    "double_double.hpp needs the rounding of single operations: compile without -ffast-math (icpx: -fp-model=precise)"
#endif

namespace spnode::core {

/// hi + lo with |lo| at most half a unit in the last place of hi: 106 bits, the exponents of double.
///
/// Relative error of an operation: a few 2^-104 for products, and for sums of the larger operand (not of a
/// sum that cancels), as matrix norms need it. Results below about 1e-290 keep only the precision of double.
struct DoubleDouble {
  double hi = 0.0, lo = 0.0;

  constexpr DoubleDouble() = default;
  constexpr DoubleDouble(double value) : hi(value) {}
  constexpr DoubleDouble(double high, double low) : hi(high), lo(low) {}
  explicit constexpr operator double() const { return hi; }
};

/// a b - product exactly, where product is a b rounded.
inline double product_error(double a, double b, double product) {
#ifdef FP_FAST_FMA
  return std::fma(a, b, -product);
#else  // Dekker's halves of 26 bits: without the instruction, std::fma is a slow library call
  const auto upper = [](double x) {
    const double scaled = 134217729.0 * x;
    return scaled - (scaled - x);
  };
  const double a1 = upper(a), a2 = a - a1, b1 = upper(b), b2 = b - b1;
  return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2;
#endif
}

/// a + b - sum exactly, where sum is a + b rounded.
inline double sum_error(double a, double b, double sum) {
  const double part = sum - a;
  return (a - (sum - part)) + (b - part);
}

/// high + low as a DoubleDouble.
inline DoubleDouble renormalised(double high, double low) {
  const double sum = high + low;
  return {sum, sum_error(high, low, sum)};
}

/// a b, exactly.
inline DoubleDouble exact_product(double a, double b) {
  const double product = a * b;
  return {product, product_error(a, b, product)};
}

inline DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
  const double sum = a.hi + b.hi;
  return renormalised(sum, sum_error(a.hi, b.hi, sum) + (a.lo + b.lo));
}

inline DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble product = exact_product(a.hi, b.hi);
  return renormalised(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

inline DoubleDouble operator/(DoubleDouble a, double b) {
  const double quotient = a.hi / b;
  const DoubleDouble back = exact_product(quotient, b);
  return renormalised(quotient, ((a.hi - back.hi) - back.lo + a.lo) / b);
}

inline DoubleDouble& operator+=(DoubleDouble& a, DoubleDouble b) { return a = a + b; }

}  // namespace spnode::core
