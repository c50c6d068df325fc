#pragma once
/// Hyperbolic tangent of a pack, to about one unit in the last place; the same arithmetic in every lane.

#include "core/kernels/pack.hpp"

#include <cstdint>

namespace spnode::core {

/// exp(x) for 0 <= x <= 700: x = n log 2 + r, a Taylor polynomial in |r| <= log(2) / 2, times 2^n.
inline Pack<double> exp_positive(Pack<double> x) {
  constexpr double shifter = 0x1.8p52;  // adding it rounds to an integer, which then stands in the low bits
  constexpr double log2_high = 0x1.62e42fee00000p-1, log2_low = 0x1.a39ef35793c76p-33;
  const Pack<double> shifted = x * 0x1.71547652b82fep0 + shifter;
  const Pack<double> n = shifted - shifter;
  const Pack<double> r = (x - n * log2_high) - n * log2_low;
  constexpr double inverse_factorial[] = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
  Pack<double> p = inverse_factorial[0] * r + inverse_factorial[1];
#pragma GCC unroll 16
  for (int k = 2; k < 14; ++k) p = p * r + inverse_factorial[k];
  const PackInt<double> exponent = (PackInt<double>)shifted << 52;
  return (Pack<double>)((PackInt<double>)p + exponent);
}

/// The same for 0 <= x <= 80, with the polynomial that suffices for float.
inline Pack<float> exp_positive(Pack<float> x) {
  constexpr float shifter = 0x1.8p23f;
  constexpr float log2_high = 0x1.62e400p-1f, log2_low = 0x1.7f7d1cp-20f;
  const Pack<float> shifted = x * 0x1.715476p0f + shifter;
  const Pack<float> n = shifted - shifter;
  const Pack<float> r = (x - n * log2_high) - n * log2_low;
  constexpr float inverse_factorial[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24,
                                         1.0f / 6,    0.5f,       1.0f,       1.0f};
  Pack<float> p = inverse_factorial[0] * r + inverse_factorial[1];
#pragma GCC unroll 16
  for (int k = 2; k < 8; ++k) p = p * r + inverse_factorial[k];
  const PackInt<float> exponent = (PackInt<float>)shifted << 23;
  return (Pack<float>)((PackInt<float>)p + exponent);
}

/// tanh(x): x + x^3 P(x^2) / Q(x^2) below 0.625 (the rational minimax approximation of the Cephes library),
/// above it sign(x) (1 - 2 / (exp(2 |x|) + 1)). NaN stays NaN.
inline Pack<double> tanh(Pack<double> x) {
  const PackInt<double> sign = (PackInt<double>)x & INT64_MIN;
  const Pack<double> magnitude = (Pack<double>)((PackInt<double>)x & INT64_MAX);
  const Pack<double> capped = magnitude > 20.0 ? Pack<double>{} + 20.0 : magnitude;
  const Pack<double> grown = exp_positive(2.0 * capped) + 1.0;

  const Pack<double> z = capped * capped;
  const Pack<double> p =
      (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
  const Pack<double> q =
      ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;

  const PackInt<double> small = capped < 0.625;
  const Pack<double> base = small ? capped : Pack<double>{} + 1.0;
  const Pack<double> result = base + (small ? capped * z * p : Pack<double>{} - 2.0) / (small ? q : grown);
  return (Pack<double>)((PackInt<double>)result | sign);
}

/// The same in float; below 0.625 the minimax polynomial x + x^3 P(x^2) of the Cephes library.
inline Pack<float> tanh(Pack<float> x) {
  const PackInt<float> sign = (PackInt<float>)x & INT32_MIN;
  const Pack<float> magnitude = (Pack<float>)((PackInt<float>)x & INT32_MAX);
  const Pack<float> capped = magnitude > 10.0f ? Pack<float>{} + 10.0f : magnitude;
  const Pack<float> grown = exp_positive(2.0f * capped) + 1.0f;

  const Pack<float> z = capped * capped;
  const Pack<float> p =
      (((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z -
      3.33332819422e-1f;

  const PackInt<float> small = capped < 0.625f;
  const Pack<float> result = small ? capped + capped * z * p : 1.0f - 2.0f / grown;
  return (Pack<float>)((PackInt<float>)result | sign);
}

}  // namespace spnode::core
