#pragma once
/// Hyperbolic tangent of a pack, to two and a half units in the last place; the same arithmetic in every
/// lane.

#include "core/kernels/pack.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace spnode::core {

/// What tanh needs of a format.
template <class Real>
struct TanhConstants;

template <>
struct TanhConstants<double> {
  static constexpr std::int64_t sign = INT64_MIN;
  static constexpr int mantissa = 52;
  static constexpr double saturation = 20.0;  // tanh(x) rounds to 1 above it
  static constexpr double shifter =
      0x1.8p52;  // adding it rounds to an integer, which then stands in the low bits
  static constexpr double log2_high = 0x1.62e42fee00000p-1, log2_low = 0x1.a39ef35793c76p-33;
  /// (exp(r) - 1 - r) / r^2 on |r| <= log(2) / 2: minimax in the error relative to r, 1.8e-17.
  static constexpr double polynomial[] = {0x1.0000000000005p-1,  0x1.555555555555cp-3,  0x1.55555555520c9p-5,
                                          0x1.111111110e6bep-7,  0x1.6c16c17f431ccp-10, 0x1.a01a01b5e0b77p-13,
                                          0x1.a019a660bfbafp-16, 0x1.71dde9f0abca1p-19, 0x1.28a2d226f1f4bp-22,
                                          0x1.af76cf39edda7p-26};
};

template <>
struct TanhConstants<float> {
  static constexpr std::int32_t sign = INT32_MIN;
  static constexpr int mantissa = 23;
  static constexpr float saturation = 10.0f;
  static constexpr float shifter = 0x1.8p23f;
  static constexpr float log2_high = 0x1.62e400p-1f, log2_low = 0x1.7f7d1cp-20f;
  static constexpr float polynomial[] = {0x1.000000p-1f, 0x1.5554b0p-3f, 0x1.555486p-5f, 0x1.122838p-7f,
                                         0x1.6d995ap-10f};  // the same to 1.3e-8
};

/// y = tanh(y + b) of `packs` packs: tanh(x) = sign(x) e / (e + 2), e = exp(2 |x|) - 1 = 2^n (exp(r) - 1) +
/// (2^n - 1) with 2 |x| = n log 2 + r: one polynomial, one division, no branch. NaN stays NaN.
///
/// All packs go through one part of it before the next: the whole is a chain of a hundred cycles, of which a
/// processor holds too few at a time.
template <class Real>
inline void tanh_in_place(Real b, std::size_t packs, Real* y) {
  using V = Pack<Real>;
  using C = TanhConstants<Real>;
  using Integers = PackInt<Real>;
  constexpr int terms = int(std::size(C::polynomial));
  constexpr std::size_t width = pack_width<Real>, most = 16;
  const V one = splat(Real(1));
  V e[most], power[most];  // r, then e; 2^n
  for (std::size_t first = 0; first < packs; first += most, y += most * width) {
    const std::size_t count = std::min(packs - first, most);
#pragma GCC unroll 2
    for (std::size_t i = 0; i < count; ++i) {
      const V x = load(y + i * width) + b;
      store(y + i * width, x);
      const V magnitude = (V)((Integers)x & ~C::sign);
      const V z = at_most(magnitude + magnitude, 2 * C::saturation);
      const V shifted = z * Real(0x1.71547652b82fep0) + C::shifter;
      const V n = shifted - C::shifter;
      e[i] = (z - n * C::log2_high) - n * C::log2_low;
      power[i] = (V)(((Integers)shifted << C::mantissa) + (Integers)one);
    }
#pragma GCC unroll 2
    for (std::size_t i = 0; i < count; ++i) {
      const V r = e[i];
      V p = splat(C::polynomial[terms - 1]);
#pragma GCC unroll 16
      for (int k = terms - 2; k >= 0; --k) p = p * r + C::polynomial[k];
      e[i] = power[i] * (p * (r * r) + r) + (power[i] - one);
    }
#pragma GCC unroll 2
    for (std::size_t i = 0; i < count; ++i) {
      const Integers sign = (Integers)load(y + i * width) & C::sign;
      store(y + i * width, (V)((Integers)(e[i] / (e[i] + Real(2))) | sign));
    }
  }
}

}  // namespace spnode::core
