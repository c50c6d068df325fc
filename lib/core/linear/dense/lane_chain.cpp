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

/// out (padded_width) = x^T matrix.
template <class Real>
void combine_rows(const NodeTable<Real>& table, const Real* matrix, const Real* x, Real* out) {
  for_lane_blocks<Real>(0, table.padded_width, [&](auto packs, std::size_t first) {
    combine_packs<Real, packs()>(matrix + first, table.stride, table.n, x, out + first);
  });
}

/// A pack of y, of which Rows entries are <matrix(i, :), x> and the others zero: the partial sums of the rows
/// are turned so that they add up side by side.
template <class Real>
struct RowProducts {
  template <std::size_t Rows>
  static void run(const NodeTable<Real>& table, const Real* matrix, const Real* x, Real* y) {
    constexpr std::size_t width = pack_width<Real>;
    const std::size_t stride = table.stride;
    Pack<Real> sums[width] = {};
    for (std::size_t c = 0; c < table.padded_width; c += width) {
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
  const std::size_t whole = table.n / width * width;
  for (std::size_t i = 0; i < whole; i += width)
    RowProducts<Real>::template run<width>(table, matrix + i * table.stride, x, y + i);
  if (whole < table.n)
    dispatch_rows<RowProducts<Real>>(table.n - whole, std::make_index_sequence<width>(), table,
                                     matrix + whole * table.stride, x, y + whole);
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
constexpr std::array<Real, 18> inverse_factorials() {
  std::array<Real, 18> values{};
  double value = 1.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) value /= double(i);
    values[i] = Real(value);
  }
  return values;
}

/// What the terms of the series are made of; its matrices as RestSeries::run() takes them.
template <class Real>
struct SeriesLanes {
  ConstVectorView<Real> rest, ratio;
  MatrixView<Real> terms;
};

/// The terms w_j from `Count` vectors v_k, and back.
template <class Real>
struct SeriesTerms {
  static constexpr std::size_t degree = RestSeries<Real>::degree, width = pack_width<Real>;
  static constexpr std::array<Real, 18> factor = inverse_factorials<Real>();
  static_assert(degree + ChainLink<Real>::most < factor.size());

  template <std::size_t Count>
  static void run(const SeriesLanes<Real>& lanes, ConstMatrixView<Real> V, MatrixView<Real> y) {
    const std::size_t n = y.extent(0), next = n * V.stride_0(), next_term = n * lanes.terms.stride_0();
    for (std::size_t l = 0; l < y.extent(1); l += width) {
      const Pack<Real> rest = load(lanes.rest.data() + l), ratio = load(lanes.ratio.data() + l);
      for (std::size_t i = 0; i < n; ++i) {
        const Real* from = &V(i, l);
        Pack<Real> v[Count], power = splat(Real(1));
        for (std::size_t k = 0; k < Count; ++k, from += next, power *= ratio) v[k] = power * load(from);
        const auto combined = [&](std::size_t j) {
          Pack<Real> sum = factor[j] * v[0];
          for (std::size_t k = 1; k < Count; ++k) sum += factor[j + k] * v[k];
          return sum;
        };
        store(&y(i, l), combined(0));
        Real* term = &lanes.terms(i, l);
        power = rest;
        for (std::size_t j = 1; j <= degree; ++j, term += next_term, power *= rest)
          store(term, power * combined(j));
      }
    }
  }

  /// The adjoint; lanes.terms holds that of the terms.
  template <std::size_t Count>
  static void run(const SeriesLanes<Real>& lanes, const typename RestSeries<Real>::Bars& bars) {
    const std::size_t n = bars.y.extent(0), next = n * bars.V.stride_0(),
                      next_term = n * lanes.terms.stride_0();
    for (std::size_t l = 0; l < bars.y.extent(1); l += width) {
      const Pack<Real> rest = load(lanes.rest.data() + l), ratio = load(lanes.ratio.data() + l);
      for (std::size_t i = 0; i < n; ++i) {
        const Pack<Real> y = load(&bars.y(i, l));
        Pack<Real> v[Count], power = rest;
        for (std::size_t k = 0; k < Count; ++k) v[k] = factor[k] * y;
        const Real* term = &lanes.terms(i, l);
        for (std::size_t j = 1; j <= degree; ++j, term += next_term, power *= rest) {
          const Pack<Real> bar = power * load(term);
          for (std::size_t k = 0; k < Count; ++k) v[k] += factor[j + k] * bar;
        }
        Real* to = &bars.V(i, l);
        power = splat(Real(1));
        for (std::size_t k = 0; k < Count; ++k, to += next, power *= ratio)
          store(to, load(to) + power * v[k]);
      }
    }
  }
};

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
  const std::size_t n = table.n, packs = table.padded_n, top = table.top();
  for (const ChainLink<Real>* link = last; link-- != first;) {
    const Real* const x = inputs + std::size_t(link - first) * table.input_size();
    Real* const rows = bars.nodes + link->node * table.size();
    for (std::size_t i = 0; i < n; ++i) add_packs(table.padded_width, bars.y[i], x, rows + i * table.stride);
    combine_rows(table, table.rows + link->node * table.size(), bars.y, bars.work);
    for (std::size_t k = 1; k <= top; ++k)
      for (std::size_t j = 1; j <= k; ++j)
        add_packs(packs, link->weight[k][j], bars.work + j * n, bars.v + k * packs);
    scale_packs(packs, Real(1), bars.work, bars.y);
  }
}

template <class Real>
void chain_jvp(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* inputs, const ChainDots<Real>& dots) {
  const std::size_t n = table.n;
  for (const ChainLink<Real>* link = first; link != last; ++link, inputs += table.input_size()) {
    set_input(table, *link, dots.y, dots.v, dots.work);
    multiply_rows(table, table.rows + link->node * table.size(), dots.work, dots.y);
    const Real* const rows = dots.nodes + link->node * table.size();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < table.width; ++c) dots.y[i] += rows[i * table.stride + c] * inputs[c];
  }
}

template <class Real>
void RestSeries<Real>::run(ConstMatrixView<Real> V, MatrixView<Real> terms, MatrixView<Real> y) const {
  dispatch_rows<SeriesTerms<Real>>(V.extent(0) / n_, std::make_index_sequence<ChainLink<Real>::most + 1>(),
                                   SeriesLanes<Real>{rest_, ratio_, terms}, V, y);
  gemm<Real>(space_, 1.0, powers_, Transpose::no, ConstMatrixView<Real>(terms), 1.0, y);
}

template <class Real>
void RestSeries<Real>::vjp(MatrixView<Real> terms, const Bars& bars) const {
  gemm_nt<Real>(space_, 1.0, bars.y, ConstMatrixView<Real>(terms), bars.powers);
  gemm<Real>(space_, 1.0, powers_, Transpose::yes, bars.y, 0.0, terms);
  dispatch_rows<SeriesTerms<Real>>(bars.V.extent(0) / n_,
                                   std::make_index_sequence<ChainLink<Real>::most + 1>(),
                                   SeriesLanes<Real>{rest_, ratio_, terms}, bars);
}

template <class Real>
void RestSeries<Real>::jvp(ConstMatrixView<Real> terms, const Dots& dots) const {
  run(dots.V, dots.terms, dots.y);
  gemm<Real>(space_, 1.0, dots.powers, Transpose::no, terms, 1.0, dots.y);
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
