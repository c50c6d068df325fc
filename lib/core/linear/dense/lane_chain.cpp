#include "core/linear/dense/lane_chain.hpp"

#include "core/kernels/gemm.hpp"
#include "core/kernels/register_tile.hpp"

#include <algorithm>
#include <array>

namespace spnode::core {
namespace {

/// out (Packs packs) = sum_c x_c table(c, :), in `strands` sums, so that one need not wait for the other.
template <class Real, std::size_t Packs>
inline void combine_packs(const Real* table, std::size_t stride, std::size_t count, const Real* x,
                          Real* out) {
  constexpr std::size_t strands = Packs >= 4 ? 2 : 4, width = pack_width<Real>;
  Pack<Real> sum[strands][Packs] = {};
  const auto add = [&](std::size_t c, std::size_t strand) {
#pragma GCC unroll 4
    for (std::size_t p = 0; p < Packs; ++p) sum[strand][p] += x[c] * load(table + c * stride + p * width);
  };
  const std::size_t whole = count / strands * strands;
  for (std::size_t c = 0; c < whole; c += strands)
#pragma GCC unroll 4
    for (std::size_t s = 0; s < strands; ++s) add(c + s, s);
  for (std::size_t c = whole; c < count; ++c) add(c, 0);
#pragma GCC unroll 4
  for (std::size_t p = 0; p < Packs; ++p) {
    Pack<Real> total = sum[0][p];
#pragma GCC unroll 4
    for (std::size_t s = 1; s < strands; ++s) total += sum[s][p];
    store(out + p * width, total);
  }
}

/// out (stride) = sum_c x_c table(c, :), c < count; stride a multiple of a pack.
template <class Real>
void combine(const Real* table, std::size_t stride, std::size_t count, const Real* x, Real* out) {
  for_lane_blocks<Real>(0, stride, [&](auto packs, std::size_t first) {
    combine_packs<Real, packs()>(table + first, stride, count, x, out + first);
  });
}

/// A pack of y, of which Rows entries are <matrix(i, :), x> and the others zero: the partial sums of the rows
/// are turned so that they add up side by side.
template <class Real>
struct RowProducts {
  template <std::size_t Rows>
  static void run(const Real* matrix, std::size_t stride, const Real* x, Real* y) {
    constexpr std::size_t width = pack_width<Real>;
    Pack<Real> sums[width] = {};
    for (std::size_t c = 0; c < stride; c += width) {
      const Pack<Real> part = load(x + c);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Rows; ++i) sums[i] += load(matrix + i * stride + c) * part;
    }
    transpose<Real>(sums);
#pragma GCC unroll 16
    for (std::size_t i = 1; i < width; ++i) sums[0] += sums[i];
    store(y, sums[0]);
  }
};

/// y (padded_n) = matrix x.
template <class Real>
void multiply_rows(const NodeTable<Real>& table, const Real* matrix, const Real* x, Real* y) {
  constexpr std::size_t width = pack_width<Real>;
  const std::size_t stride = table.padded_width, whole = table.n / width * width;
  for (std::size_t i = 0; i < whole; i += width)
    RowProducts<Real>::template run<width>(matrix + i * stride, stride, x, y + i);
  if (whole < table.n)
    dispatch_rows<RowProducts<Real>>(table.n - whole, std::make_index_sequence<width>(),
                                     matrix + whole * stride, stride, x, y + whole);
}

/// to (whole packs) = or += factor from.
template <class Real>
inline void scale_packs(std::size_t size, Real factor, const Real* from, Real* to) {
  for (std::size_t i = 0; i < size; i += pack_width<Real>) store(to + i, factor * load(from + i));
}
template <class Real>
inline void add_packs(std::size_t size, Real factor, const Real* from, Real* to) {
  for (std::size_t i = 0; i < size; i += pack_width<Real>)
    store(to + i, load(to + i) + factor * load(from + i));
}

/// x = [y; w_1; ..; w_p] of a link. Whole packs are written, each block over what the one before has left
/// behind its end, and zeros over the last.
template <class Real>
void set_input(const NodeTable<Real>& table, const ChainLink<Real>& link, const Real* y, const Real* v,
               Real* x) {
  const std::size_t n = table.n, packs = table.padded_n, top = table.top();
  scale_packs(packs, Real(1), y, x);
  for (std::size_t j = 1; j <= top; ++j) {
    Real* const w = x + j * n;
    scale_packs(packs, link.weight[j][j], v + j * packs, w);
    for (std::size_t k = j + 1; k <= top; ++k) add_packs(packs, link.weight[k][j], v + k * packs, w);
  }
  for (std::size_t c = table.width; c < table.padded_width; ++c) x[c] = 0;
}

template <class Real>
constexpr std::array<Real, 17> inverse_factorials() {
  std::array<Real, 17> values{};
  double value = 1.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) value /= double(i);
    values[i] = Real(value);
  }
  return values;
}

}  // namespace

template <class Real>
void run_chain(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* v, Real* y, Real* inputs) {
  for (const ChainLink<Real>* link = first; link != last; ++link, inputs += table.input_size()) {
    set_input(table, *link, y, v, inputs);
    multiply_rows(table, table.rows + link->node * table.size(), inputs, y);
  }
}

template <class Real>
void chain_vjp(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* inputs, const ChainBars<Real>& bars) {
  const std::size_t n = table.n, packs = table.padded_n, top = table.top(), stride = table.padded_width;
  for (const ChainLink<Real>* link = last; link-- != first;) {
    const Real* const x = inputs + std::size_t(link - first) * table.input_size();
    Real* const rows = bars.nodes + link->node * table.size();
    for (std::size_t i = 0; i < n; ++i) add_packs(stride, bars.y[i], x, rows + i * stride);
    combine(table.rows + link->node * table.size(), stride, n, bars.y, bars.work);
    for (std::size_t k = 1; k <= top; ++k)
      for (std::size_t j = 1; j <= k; ++j)
        add_packs(packs, link->weight[k][j], bars.work + j * n, bars.v + k * packs);
    scale_packs(packs, Real(1), bars.work, bars.y);
  }
}

template <class Real>
void chain_jvp(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* inputs, const ChainDots<Real>& dots) {
  const std::size_t n = table.n, stride = table.padded_width;
  for (const ChainLink<Real>* link = first; link != last; ++link, inputs += table.input_size()) {
    set_input(table, *link, dots.y, dots.v, dots.work);
    multiply_rows(table, table.rows + link->node * table.size(), dots.work, dots.y);
    const Real* const rows = dots.nodes + link->node * table.size();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < table.width; ++c) dots.y[i] += rows[i * stride + c] * inputs[c];
  }
}

/// S_j = u_j + r product, without the product for the last j.
template <class Real>
void RestSeries<Real>::set_part(std::size_t j, ConstMatrixView<Real> V, const MatrixView<Real>& product,
                                MatrixView<Real> S) const {
  static constexpr std::array<Real, 17> factor = inverse_factorials<Real>();
  constexpr std::size_t width = pack_width<Real>;
  const std::size_t lanes = S.extent(1);
  const std::size_t next = n_ * V.stride_0();
  const Real* const rest = rest_.data();
  for (std::size_t i = 0; i < n_; ++i) {
    const Real *const v = &V(i, 0), *const p = &product(i, 0);
    Real* const s = &S(j * n_ + i, 0);
    for (std::size_t l = 0; l < lanes; l += width) {
      Pack<Real> sum = factor[j] * load(v + l);
      for (std::size_t k = 1; k <= top_; ++k) sum += factor[j + k] * load(v + k * next + l);
      if (j < degree) sum += load(rest + l) * load(p + l);
      store(s + l, sum);
    }
  }
}

template <class Real>
void RestSeries<Real>::run(ConstMatrixView<Real> V, MatrixView<Real> S, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> product = scratch.matrix(n_, S.extent(1));
  set_part(degree, V, product, S);
  for (std::size_t j = degree; j-- > 0;) {
    gemm<Real>(space_, 1.0, Z_, Transpose::no, ConstMatrixView<Real>(part(S, j + 1)), 0.0, product);
    set_part(j, V, product, S);
  }
}

template <class Real>
void RestSeries<Real>::vjp(ConstMatrixView<Real> S, const Bars& bars, Scratch<Real>& scratch) const {
  static constexpr std::array<Real, 17> factor = inverse_factorials<Real>();
  constexpr std::size_t width = pack_width<Real>;
  const ScratchFrame frame(scratch);
  const std::size_t lanes = S.extent(1), next = n_ * bars.V.stride_0();
  const MatrixView<Real> scaled = scratch.matrix(n_, lanes);
  for (std::size_t j = 0;; ++j) {
    for (std::size_t i = 0; i < n_; ++i) {
      const Real *const y = &bars.y(i, 0), *const rest = rest_.data();
      Real *const v = &bars.V(i, 0), *const s = &scaled(i, 0);
      for (std::size_t l = 0; l < lanes; l += width) {
        const Pack<Real> bar = load(y + l);
        for (std::size_t k = 0; k <= top_; ++k)
          store(v + k * next + l, load(v + k * next + l) + factor[j + k] * bar);
        store(s + l, load(rest + l) * bar);
      }
    }
    if (j == degree) return;
    gemm_nt<Real>(space_, 1.0, scaled, part(S, j + 1), bars.Z);
    gemm<Real>(space_, 1.0, Z_, Transpose::yes, ConstMatrixView<Real>(scaled), 0.0, bars.y);
  }
}

template <class Real>
void RestSeries<Real>::jvp(ConstMatrixView<Real> S, const Dots& dots, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> product = scratch.matrix(n_, S.extent(1));
  set_part(degree, dots.V, product, dots.S);
  for (std::size_t j = degree; j-- > 0;) {
    gemm<Real>(space_, 1.0, Z_, Transpose::no, ConstMatrixView<Real>(part(dots.S, j + 1)), 0.0, product);
    gemm<Real>(space_, 1.0, dots.Z, Transpose::no, part(S, j + 1), 1.0, product);
    set_part(j, dots.V, product, dots.S);
  }
}

#define SPNODE_INSTANTIATE(Real)                                                                  \
  template void run_chain(const NodeTable<Real>&, const ChainLink<Real>*, const ChainLink<Real>*, \
                          const Real*, Real*, Real*);                                             \
  template void chain_vjp(const NodeTable<Real>&, const ChainLink<Real>*, const ChainLink<Real>*, \
                          const Real*, const ChainBars<Real>&);                                   \
  template void chain_jvp(const NodeTable<Real>&, const ChainLink<Real>*, const ChainLink<Real>*, \
                          const Real*, const ChainDots<Real>&);                                   \
  template class RestSeries<Real>;
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
