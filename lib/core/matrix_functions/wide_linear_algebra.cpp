/// The operations of linear_algebra.hpp on matrices of DoubleDouble.
#include "core/matrix_functions/linear_algebra.hpp"

#include <algorithm>

namespace spnode::core {

namespace {

constexpr std::size_t panel_rows = 64, panel_cols = 16;  // 16 KiB: stays in the first cache

/// Consecutive numbers with high and low parts apart, so that loops over them become vectors.
template <std::size_t width>
struct Lanes {
  double high[width], low[width];

  /// `count` numbers, `stride` apart, and zeros.
  void load(const DoubleDouble* from, std::size_t count, std::size_t stride = 1) {
    for (std::size_t j = 0; j < count; ++j) {
      high[j] = from[j * stride].hi;
      low[j] = from[j * stride].lo;
    }
    for (std::size_t j = count; j < width; ++j) high[j] = low[j] = 0.0;
  }
  void store(DoubleDouble* to, std::size_t count) const {
    for (std::size_t j = 0; j < count; ++j) to[j] = {high[j], low[j]};
  }
  DoubleDouble operator[](std::size_t j) const { return {high[j], low[j]}; }
  void set(std::size_t j, DoubleDouble value) {
    high[j] = value.hi;
    low[j] = value.lo;
  }
};

/// Distances in memory between the entries of an operand.
struct Strides {
  explicit Strides(const WideOperand& a)
      : row(a.is_transposed ? 1 : a.cols), col(a.is_transposed ? a.cols : 1) {}
  std::size_t row, col;
};

/// sums += a (rows, `stride` apart) times the panel. `high` adds rounded products to rounded sums, `low` all
/// that the rounding leaves out; a.lo b.lo is below what is kept. Both are local, so that they live in
/// registers.
template <std::size_t width>
void multiply_row(const DoubleDouble* a, std::size_t stride, std::size_t rows, const Lanes<width>* panel,
                  Lanes<width>& sums) {
  double high[width] = {}, low[width] = {};
  for (std::size_t k = 0; k < rows; ++k) {
    const DoubleDouble factor = a[k * stride];
    for (std::size_t j = 0; j < width; ++j) {
      const double b = panel[k].high[j], product = factor.hi * b, sum = high[j] + product;
      const double cross = factor.hi * panel[k].low[j] + factor.lo * b;
      low[j] += sum_error(high[j], product, sum) + (product_error(factor.hi, b, product) + cross);
      high[j] = sum;
    }
  }
  for (std::size_t j = 0; j < width; ++j) sums.set(j, sums[j] + renormalised(high[j], low[j]));
}

/// The rows of b and the columns of b and c that one panel covers.
struct Block {
  std::size_t first_row, rows, first_col, cols;
};

/// c += alpha a b for the block.
template <std::size_t width>
void multiply_block(double alpha, const WideOperand& a, const WideOperand& b, const Block& block,
                    WideMatrix c) {
  Lanes<width> panel[panel_rows], sums;
  const Strides a_stride(a), b_stride(b);
  for (std::size_t k = 0; k < block.rows; ++k) {
    panel[k].load(b.data + (block.first_row + k) * b_stride.row + block.first_col * b_stride.col, block.cols,
                  b_stride.col);
    if (alpha != 1.0)
      for (std::size_t j = 0; j < width; ++j) panel[k].set(j, alpha * panel[k][j]);
  }
  for (std::size_t i = 0; i < c.rows; ++i) {
    DoubleDouble* target = c.data + i * c.cols + block.first_col;
    sums.load(target, block.cols);
    multiply_row(a.data + i * a_stride.row + block.first_row * a_stride.col, a_stride.col, block.rows, panel,
                 sums);
    sums.store(target, block.cols);
  }
}

}  // namespace

WideMatrix square(std::span<DoubleDouble> entries, std::size_t n) { return {entries.data(), n, n}; }
WideOperand square(std::span<const DoubleDouble> entries, std::size_t n) { return {entries.data(), n, n}; }

WideOperand transposed(WideOperand matrix) {
  return {matrix.data, matrix.rows, matrix.cols, !matrix.is_transposed};
}

void multiply(double alpha, WideOperand a, WideOperand b, double beta, WideMatrix c) {
  const std::size_t inner = a.is_transposed ? a.rows : a.cols;
  if (beta == 0.0)
    std::fill(c.data, c.data + c.rows * c.cols, DoubleDouble());
  else if (beta != 1.0)
    for (std::size_t i = 0; i < c.rows * c.cols; ++i) c.data[i] = beta * c.data[i];
  for (std::size_t j = 0; j < c.cols; j += panel_cols)
    for (std::size_t k = 0; k < inner; k += panel_rows) {
      const Block block{k, std::min(panel_rows, inner - k), j, std::min(panel_cols, c.cols - j)};
      if (block.cols > panel_cols / 2)
        multiply_block<panel_cols>(alpha, a, b, block, c);
      else
        multiply_block<panel_cols / 2>(alpha, a, b, block, c);
    }
}

void add_to_diagonal(WideMatrix a, DoubleDouble value) {
  for (std::size_t i = 0; i < std::min(a.rows, a.cols); ++i) a.data[i * (a.cols + 1)] += value;
}

void add_scaled(DoubleDouble alpha, std::span<const DoubleDouble> x, std::span<DoubleDouble> y) {
  Lanes<panel_cols> terms, sums;
  for (std::size_t i = 0; i < x.size(); i += panel_cols) {
    const std::size_t count = std::min(panel_cols, x.size() - i);
    terms.load(x.data() + i, count);
    sums.load(y.data() + i, count);
    for (std::size_t j = 0; j < panel_cols; ++j) sums.set(j, sums[j] + alpha * terms[j]);
    sums.store(y.data() + i, count);
  }
}

}  // namespace spnode::core
