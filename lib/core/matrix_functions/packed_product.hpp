#pragma once
/// Products of small matrices on the host whose right factor may have its entries in any order.

#include "core/kernels/register_tile.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace spnode::core {

/// A matrix in any order of its entries, b(k, j) = data[k row + j column].
struct Strided {
  const double* data;
  std::size_t row, column;
};

/// c (rows, columns), `stride` apart, += alpha a b, the sum over `depth`.
struct ProductShape {
  std::size_t rows, depth, columns;
  double alpha = 1.0;
};
inline void add_packed_product(const ProductShape& shape, Broadcast<double> a, Strided b, double* c,
                               std::size_t stride) {
  constexpr std::size_t width = tile_columns<double>, deep = 64;
  alignas(64) std::array<double, deep * width> block;
  for (std::size_t first = 0; first < shape.depth; first += deep) {
    const std::size_t depth = std::min(deep, shape.depth - first);
    for (std::size_t column = 0; column < shape.columns; column += width) {
      const std::size_t columns = std::min(width, shape.columns - column);
      for (std::size_t k = 0; k < depth; ++k) {
        const double* const from = b.data + (first + k) * b.row + column * b.column;
        double* const to = block.data() + k * width;
        for (std::size_t j = 0; j < columns; ++j) to[j] = from[j * b.column];
        for (std::size_t j = columns; j < width; ++j) to[j] = 0.0;
      }
      add_product<double>(shape.rows, {shape.alpha,
                                       {a.data + first * a.column, a.row, a.column},
                                       block.data(),
                                       depth,
                                       c + column,
                                       stride,
                                       columns});
    }
  }
}

}  // namespace spnode::core
