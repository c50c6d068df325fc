#pragma once
/// Hyperbolic tangent of a pack, to about one unit in the last place; the same arithmetic in every lane.

#include "core/kernels/pack.hpp"

#include <cstdint>

namespace spnode::core {

typedef std::int64_t PackInt __attribute__((vector_size(pack_width * sizeof(std::int64_t))));

/// exp(x) for 0 <= x <= 700: x = n log 2 + r, a Taylor polynomial in |r| <= log(2) / 2, times 2^n.
inline Pack exp_positive(Pack x) {
  constexpr double shifter = 0x1.8p52;  // adding it rounds to an integer, which then stands in the low bits
  constexpr double log2_high = 0x1.62e42fee00000p-1, log2_low = 0x1.a39ef35793c76p-33;
  const Pack shifted = x * 0x1.71547652b82fep0 + shifter;
  const Pack n = shifted - shifter;
  const Pack r = (x - n * log2_high) - n * log2_low;
  constexpr double inverse_factorial[] = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
  Pack p = Pack{} + inverse_factorial[0];
#pragma GCC unroll 16
  for (int k = 1; k < 14; ++k) p = p * r + inverse_factorial[k];
  const PackInt exponent = (PackInt)shifted << 52;
  return (Pack)((PackInt)p + exponent);
}

/// tanh(x): x + x^3 P(x^2) / Q(x^2) below 0.625 (the rational minimax approximation of the Cephes library),
/// above it sign(x) (1 - 2 / (exp(2 |x|) + 1)). NaN stays NaN.
inline Pack tanh(Pack x) {
  const PackInt sign = (PackInt)x & INT64_MIN;
  const Pack magnitude = (Pack)((PackInt)x & INT64_MAX);
  const Pack capped = magnitude > 20.0 ? Pack{} + 20.0 : magnitude;
  const Pack grown = exp_positive(2.0 * capped) + 1.0;

  const Pack z = capped * capped;
  const Pack p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
  const Pack q =
      ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;

  const PackInt small = capped < 0.625;
  const Pack base = small ? capped : Pack{} + 1.0;
  const Pack result = base + (small ? capped * z * p : Pack{} - 2.0) / (small ? q : grown);
  return (Pack)((PackInt)result | sign);
}

}  // namespace spnode::core
