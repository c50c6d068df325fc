#pragma once
/// States that stand one after the other, as lanes of a matrix.

#include "core/kernels/pack.hpp"

#include <algorithm>

namespace spnode::core {

/// to (m, pack_width) with rows `stride` apart: to(i, l) = (x[l][i] - shift[i]) * factor[i], computed in
/// double. next: what the processor fetches meanwhile, of the same length.
template <class Real, class Number>
inline void scaled_lanes(const Number* const* x, const Number* const* next, std::size_t m,
                         const double* shift, const double* factor, Real* to, std::size_t stride) {
  constexpr std::size_t width = pack_width<Real>, line = 64 / sizeof(Number), some = 64;
  static_assert(some % width == 0 && some % line == 0);
  alignas(64) Real scaled[width][some];
  for (std::size_t first = 0; first < m; first += some) {
    const std::size_t count = std::min(some, m - first), whole = count / width * width;
    for (std::size_t l = 0; l < width; ++l) {
      const Number* const from = x[l] + first;
      const double *const a = shift + first, *const b = factor + first;
      Real* const __restrict out = scaled[l];
      for (std::size_t i = 0; i < count; ++i) out[i] = Real((double(from[i]) - a[i]) * b[i]);
      for (std::size_t i = 0; i < count; i += line) __builtin_prefetch(next[l] + first + i);
    }
    for (std::size_t i = 0; i < whole; i += width) {
      Pack<Real> block[width];
      for (std::size_t l = 0; l < width; ++l) block[l] = load(&scaled[l][i]);
      transpose<Real>(block);
      for (std::size_t k = 0; k < width; ++k) store(to + (first + i + k) * stride, block[k]);
    }
    for (std::size_t i = whole; i < count; ++i)
      for (std::size_t l = 0; l < width; ++l) to[(first + i) * stride + l] = scaled[l][i];
  }
}

}  // namespace spnode::core
