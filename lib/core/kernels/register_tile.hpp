#pragma once
/// The register tile that products of small matrices on the host are made of.

#include "core/kernels/pack.hpp"

#include <utility>

namespace spnode::core {

// A register tile is `rows` x 2 packs: with AVX-512 twenty accumulators, two of B and the broadcast entry of
// A fill the 32 registers; with 16 registers of half the width a smaller tile avoids spills.
#ifdef __AVX512F__
inline constexpr std::size_t max_rows = 10;
#else
inline constexpr std::size_t max_rows = 3;
#endif
template <class Real>
inline constexpr std::size_t tile_columns = 2 * pack_width<Real>;

// A row-major operand that is read entry by entry: a(i, k) = data[i row + k column].
template <class Real>
struct Broadcast {
  const Real* data;
  std::size_t row, column;
};

// acc(i, :) += sum_k a(i, k) b(k, :) for `Rows` rows and `Packs` packs of columns.
template <class Real, std::size_t Rows, std::size_t Packs>
inline void multiply_add(Broadcast<Real> a, const Real* b, std::size_t b_stride, std::size_t depth,
                         Pack<Real> (&acc)[Rows][Packs]) {
  for (std::size_t k = 0; k < depth; ++k) {
    Pack<Real> column[Packs];
    for (std::size_t p = 0; p < Packs; ++p) column[p] = load(b + k * b_stride + p * pack_width<Real>);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Rows; ++i) {
      const Real entry = a.data[i * a.row + k * a.column];
#pragma GCC unroll 2
      for (std::size_t p = 0; p < Packs; ++p) acc[i][p] += entry * column[p];
    }
  }
}

// The number of rows is a run-time value; the body needs it at compile time.
template <class Tile, std::size_t... I, class... Args>
inline void dispatch_rows(std::size_t rows, std::index_sequence<I...>, const Args&... args) {
  (void)((rows == I + 1 ? (Tile::template run<I + 1>(args...), true) : false) || ...);
}
template <class Tile, class... Args>
inline void with_rows(std::size_t rows, const Args&... args) {
  dispatch_rows<Tile>(rows, std::make_index_sequence<max_rows>{}, args...);
}

// Rows in blocks of nearly equal height.
struct RowBlocks {
  explicit RowBlocks(std::size_t rows_) : rows(rows_), count((rows_ + max_rows - 1) / max_rows) {}
  std::size_t begin(std::size_t block) const { return block * rows / count; }
  std::size_t rows, count;
};

}  // namespace spnode::core
