#pragma once
/// Hyperbolic tangent of a pack, to three units in the last place; the same arithmetic in every lane.

#include "core/kernels/pack.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace spnode::core {

/// What tanh needs of a format. `series`: (r coth(r) - 1) / r^2 on |r| <= log(2) / 4 in powers of r^2,
/// minimax in the relative error of r coth(r).
template <class Real>
struct TanhConstants;

template <>
struct TanhConstants<double> {
  static constexpr std::int64_t sign = INT64_MIN;
  static constexpr int mantissa = 52;
  static constexpr double saturation = 20.0;  // tanh(x) rounds to 1 above it
  static constexpr double shifter =
      0x1.8p52;  // adding it rounds to an integer, which then stands in the low bits
  static constexpr double series[] = {0x1.555555555553ep-2, -0x1.6c16c16bebf62p-6, 0x1.1566aaf2c59aep-9,
                                      -0x1.bbd41d714f318p-13, 0x1.637712e65ed45p-16};  // 1.1e-18
};

template <>
struct TanhConstants<float> {
  static constexpr std::int32_t sign = INT32_MIN;
  static constexpr int mantissa = 23;
  static constexpr float saturation = 10.0f;
  static constexpr float shifter = 0x1.8p23f;
  static constexpr float series[] = {0x1.55551ep-2f, -0x1.6aa532p-6f};  // 2.4e-9
};

/// y = tanh(y + b) of `packs` packs, by the addition theorem: |x| = n log(2) / 2 + r has tanh(n log(2) / 2) =
/// A / B with A = (2^n - 1) / 2, B = (2^n + 1) / 2, and with C = r coth(r)
///
///   tanh |x| = (C A + r B) / (C B + r A),  where the denominator is the numerator + C - r.
///
/// One polynomial, one division, no branch; the numerator has no cancellation at 0, and its error none of
/// consequence at large x. NaN stays NaN.
///
/// All packs go through one half of it before the other: the whole is a chain of some eighty cycles, of which
/// a processor holds too few at a time.
template <class Real>
inline void tanh_in_place(Real b, std::size_t packs, Real* y) {
  using V = Pack<Real>;
  using C = TanhConstants<Real>;
  using Integers = PackInt<Real>;
  constexpr int terms = int(std::size(C::series));
  constexpr std::size_t width = pack_width<Real>, most = 16;
  const V two_over_log2 = kept(splat(Real(0x1.71547652b82fep+1)));
  const V half_log2 = kept(splat(Real(0x1.62e42fefa39efp-2)));
  const V saturation = kept(splat(C::saturation)), shifter = kept(splat(C::shifter));
  const V bias = kept(splat(b)), half = kept(splat(Real(0.5))), one = kept(splat(Real(1)));
  const Integers sign = kept(Integers{} + C::sign);
  V series[terms];
#pragma GCC unroll 8
  for (int k = 0; k < terms; ++k) series[k] = kept(splat(C::series[k]));
  V rest[most], power[most];  // r, 2^(n - 1)
  for (std::size_t first = 0; first < packs; first += most, y += most * width) {
    const std::size_t count = std::min(packs - first, most);
#pragma GCC unroll 2
    for (std::size_t i = 0; i < count; ++i) {
      const V x = load(y + i * width) + bias;
      store(y + i * width, x);
      const V z = at_most((V)((Integers)x & ~sign), saturation);
      const V shifted = z * two_over_log2 + shifter;
      rest[i] = z - (shifted - shifter) * half_log2;
      power[i] = (V)(((Integers)shifted << C::mantissa) + (Integers)half);
    }
#pragma GCC unroll 2
    for (std::size_t i = 0; i < count; ++i) {
      const V r = rest[i], square = r * r;
      V c = series[terms - 1];
#pragma GCC unroll 8
      for (int k = terms - 2; k >= 0; --k) c = c * square + series[k];
      c = c * square + one;
      const V upper = c * (power[i] - half) + r * (power[i] + half), lower = upper + (c - r);
      const Integers sign_of_x = (Integers)load(y + i * width) & sign;
      store(y + i * width, (V)((Integers)(upper / lower) | sign_of_x));
    }
  }
}

}  // namespace spnode::core
