#pragma once
/// A vector register of the host: pack_width doubles or floats.

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "core/kernels/lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace spnode::core {

template <class Real>
struct PackOf;
template <>
struct PackOf<double> {
  typedef double type __attribute__((vector_size(vector_unit.bytes)));
  typedef std::int64_t integers __attribute__((vector_size(vector_unit.bytes)));
};
template <>
struct PackOf<float> {
  typedef float type __attribute__((vector_size(vector_unit.bytes)));
  typedef std::int32_t integers __attribute__((vector_size(vector_unit.bytes)));
};
template <class Real>
using Pack = typename PackOf<Real>::type;

/// A pack read as integers of the same width.
template <class Real>
using PackInt = typename PackOf<Real>::integers;

template <class Real>
inline Pack<Real> load(const Real* from) {
  Pack<Real> value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class Real>
inline void store(Real* to, Pack<Real> value) {
  std::memcpy(to, &value, sizeof value);
}

/// The value in every lane. Not a template, nor is at_most: nvcc's front end breaks down over sums and
/// choices of packs of a dependent type.
inline Pack<double> splat(double value) { return Pack<double>{} + value; }
inline Pack<float> splat(float value) { return Pack<float>{} + value; }

/// The same in a register: a constant that it knows the compiler loads again wherever it is used.
template <class P>
inline P kept(P pack) {
#if defined __x86_64__
  asm("" : "+v"(pack));
#elif defined __aarch64__
  asm("" : "+w"(pack));
#endif
  return pack;
}

/// min(x, most) in every lane; NaN stays.
inline Pack<double> at_most(Pack<double> x, Pack<double> most) { return x > most ? most : x; }
inline Pack<float> at_most(Pack<float> x, Pack<float> most) { return x > most ? most : x; }

/// The first `count` entries, count < pack_width; what is beyond is neither read, and zero, nor written.
#ifdef __AVX512F__
inline Pack<double> load_first(const double* from, std::size_t count) {
  return (Pack<double>)_mm512_maskz_loadu_pd(__mmask8((1u << count) - 1), from);
}
inline Pack<float> load_first(const float* from, std::size_t count) {
  return (Pack<float>)_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), from);
}
inline void store_first(double* to, Pack<double> value, std::size_t count) {
  _mm512_mask_storeu_pd(to, __mmask8((1u << count) - 1), (__m512d)value);
}
inline void store_first(float* to, Pack<float> value, std::size_t count) {
  _mm512_mask_storeu_ps(to, __mmask16((1u << count) - 1), (__m512)value);
}
#else
template <class Real>
inline Pack<Real> load_first(const Real* from, std::size_t count) {
  Pack<Real> value{};
  for (std::size_t i = 0; i < count; ++i) value[i] = from[i];
  return value;
}
template <class Real>
inline void store_first(Real* to, Pack<Real> value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = value[i];
}
#endif

/// The entries `index` of a followed by b.
template <class Real, std::size_t... index>
inline Pack<Real> shuffle(Pack<Real> a, Pack<Real> b) {
#ifdef __clang__
  return __builtin_shufflevector(a, b, int(index)...);
#else  // nvcc's front end loses the expansion above
  return __builtin_shuffle(a, b, PackInt<Real>{index...});
#endif
}

/// One round of a transposition: exchanges, between rows `distance` apart, the entries `distance` apart.
template <class Real, std::size_t distance, std::size_t... J>
inline void exchange_rows(Pack<Real> (&row)[pack_width<Real>], std::index_sequence<J...>) {
  constexpr std::size_t width = pack_width<Real>;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < width; ++i) {
    if (i & distance) continue;
    const Pack<Real> a = row[i], b = row[i + distance];
    row[i] = shuffle<Real, (J & distance ? width + J - distance : J)...>(a, b);
    row[i + distance] = shuffle<Real, (J & distance ? width + J : J + distance)...>(a, b);
  }
}

/// Transposes a square block held in as many packs as a pack is wide, in log2(width) rounds.
template <class Real, std::size_t distance = 1>
inline void transpose(Pack<Real> (&row)[pack_width<Real>]) {
  exchange_rows<Real, distance>(row, std::make_index_sequence<pack_width<Real>>());
  if constexpr (2 * distance < pack_width<Real>) transpose<Real, 2 * distance>(row);
}

}  // namespace spnode::core
