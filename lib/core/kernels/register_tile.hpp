#pragma once
/// The register tile that products of small matrices on the host are made of.

#include "core/kernels/pack.hpp"

#include <utility>

namespace spnode::core {

// A row-major operand that is read entry by entry: a(i, k) = data[i row + k column].
template <class Real>
struct Broadcast {
  const Real* data;
  std::size_t row, column;
};

// Rows x Packs packs that stay in registers. Every loop over them is unrolled: one that is not would keep
// them in memory.
template <class Real, std::size_t Rows, std::size_t Packs>
struct RegisterTile {
  Pack<Real> acc[Rows][Packs];

  RegisterTile() {
    for_each([](Pack<Real>& entry, std::size_t, std::size_t) { entry = Pack<Real>{}; });
  }

  // (i, :) += sum_k a(i, k) b(k, :). Unrolled over k too, so that the end of so short a loop is foreseen.
  void multiply_add(Broadcast<Real> a, const Real* b, std::size_t b_stride, std::size_t depth) {
#pragma GCC unroll 4
    for (std::size_t k = 0; k < depth; ++k) {
      Pack<Real> column[Packs];
#pragma GCC unroll 4
      for (std::size_t p = 0; p < Packs; ++p) column[p] = load(b + k * b_stride + p * pack_width<Real>);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Rows; ++i) {
        const Real entry = a.data[i * a.row + k * a.column];
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Packs; ++p) acc[i][p] += entry * column[p];
      }
    }
  }

  // visit(pack, row, column of its first entry).
  template <class Visit>
  void for_each(Visit visit) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (std::size_t p = 0; p < Packs; ++p) visit(acc[i][p], i, p * pack_width<Real>);
  }

  // c += and c = the tile.
  void add_to(Real* c, std::size_t stride) {
    for_each([=](const Pack<Real>& entry, std::size_t i, std::size_t j) {
      store(c + i * stride + j, load(c + i * stride + j) + entry);
    });
  }
  void store_to(Real* c, std::size_t stride) {
    for_each(
        [=](const Pack<Real>& entry, std::size_t i, std::size_t j) { store(c + i * stride + j, entry); });
  }
};

// The number of rows is a run-time value; the body needs it at compile time.
template <class Tile, std::size_t... I, class... Args>
inline void dispatch_rows(std::size_t rows, std::index_sequence<I...>, const Args&... args) {
  (void)((rows == I + 1 ? (Tile::template run<I + 1>(args...), true) : false) || ...);
}

// Calls run<Rows>(first row, blocks) so that `rows` rows are dealt to blocks of nearly equal height.
template <class Tile, class... Args>
inline void for_row_blocks(std::size_t rows, const Args&... args) {
  if (rows == 0) return;
  constexpr std::size_t most = vector_unit.rows(Tile::packs);
  constexpr std::make_index_sequence<most> heights;
  const std::size_t count = (rows + most - 1) / most, height = rows / count, taller = rows % count;
  if (taller > 0) dispatch_rows<Tile>(height + 1, heights, std::size_t(0), taller, args...);
  dispatch_rows<Tile>(height, heights, taller * (height + 1), count - taller, args...);
}

// Calls block(packs as a constant, lane) for tiles of `Packs` packs of lanes from `lane` on, then for half as
// many, down to one; returns the first lane that fills no pack.
template <class Real, std::size_t Packs = tile_packs, class Block>
inline std::size_t for_lane_blocks(std::size_t lane, std::size_t end, const Block& block) {
  constexpr std::size_t width = Packs * pack_width<Real>;
  for (; end - lane >= width; lane += width) block(std::integral_constant<std::size_t, Packs>(), lane);
  if constexpr (Packs > 1) return for_lane_blocks<Real, Packs / 2>(lane, end, block);
  return lane;
}

// c (rows, columns) += alpha a b, columns <= tile_columns, b (depth, tile_columns) in one piece.
template <class Real>
struct ColumnBlock {
  Real alpha;
  Broadcast<Real> a;
  const Real* b;
  std::size_t depth;
  Real* c;
  std::size_t stride, columns;
};

template <class Real, std::size_t Packs>
struct ColumnTile {
  static constexpr std::size_t packs = Packs;
  template <std::size_t Rows>
  static void run(std::size_t row, std::size_t blocks, const ColumnBlock<Real>& product) {
    constexpr std::size_t width = pack_width<Real>;
    const std::size_t columns = product.columns, stride = product.stride;
    for (std::size_t block = 0; block < blocks; ++block, row += Rows) {
      RegisterTile<Real, Rows, Packs> tile;
      tile.multiply_add({product.a.data + row * product.a.row, product.a.row, product.a.column}, product.b,
                        tile_columns<Real>, product.depth);
      Real* const c = product.c + row * stride;
      const Real alpha = product.alpha;
      // All is loaded before any is stored: a load from bytes beside those that a masked store has just
      // written, as those of the next row may be, waits until the store is in the cache.
      tile.for_each([=](Pack<Real>& entry, std::size_t i, std::size_t j) {
        const Real* const from = c + i * stride + j;
        if (j + width <= columns)
          entry = load(from) + alpha * entry;
        else if (j < columns)
          entry = load_first(from, columns - j) + alpha * entry;
      });
      tile.for_each([=](const Pack<Real>& entry, std::size_t i, std::size_t j) {
        Real* const to = c + i * stride + j;
        if (j + width <= columns)
          store(to, entry);
        else if (j < columns)
          store_first(to, entry, columns - j);
      });
    }
  }
};

template <class Real, std::size_t Packs = tile_packs>
inline void add_product(std::size_t rows, const ColumnBlock<Real>& product) {
  if constexpr (Packs > 1)
    if (product.columns <= (Packs - 1) * pack_width<Real>) return add_product<Real, Packs - 1>(rows, product);
  for_row_blocks<ColumnTile<Real, Packs>>(rows, product);
}

}  // namespace spnode::core
