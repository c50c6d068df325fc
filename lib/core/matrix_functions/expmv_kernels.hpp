#pragma once
/// The elementwise kernels of Expmv: parts of one Taylor series over a tile, with their adjoints.
///
/// Each works on a block of neighbouring lanes, row after row, so that on the host the inner loops run over
/// contiguous lanes with per-lane quantities in registers or the first cache.

#include "core/matrix_functions/expmv.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

namespace spnode::core::expmv {

inline constexpr std::size_t block_lanes = runs_on_host ? 64 : 1;
/// The unit roundoff.
template <class Real>
inline constexpr Real tolerance = std::numeric_limits<Real>::epsilon() / 2;

inline std::size_t blocks(std::size_t lanes) { return (lanes + block_lanes - 1) / block_lanes; }

/// The lanes of one block.
struct Lanes {
  KOKKOS_FUNCTION Lanes(std::size_t block, std::size_t lanes)
      : begin(block * block_lanes), count(lanes - begin < block_lanes ? lanes - begin : block_lanes) {}
  std::size_t begin, count;
};

/// What all kernels of one scaling step share. Term k is (tau_l / (s k)) B term_{k-1} + sum_j sources(k, j,
/// l) w_j.
template <class Real>
struct Series {
  ConstVectorView<Real> steps;
  Kokkos::Array<ConstMatrixView<Real>, most_phi_terms> w;
  double c, shift, scalings;
  std::size_t m, terms;
  Real* sources;  ///< (m, terms, lanes), lanes contiguous

  KOKKOS_FUNCTION std::size_t lanes() const { return steps.extent(0); }
  KOKKOS_FUNCTION Real* source(std::size_t k, std::size_t j) const {
    return sources + ((k - 1) * terms + j) * lanes();
  }
  /// Without a shift the y block is nilpotent and feeds the first `terms` terms only.
  KOKKOS_FUNCTION std::size_t terms_at(std::size_t k) const { return shift != 0.0 || k <= terms ? terms : 0; }
};

/// sources(k, j, l) = h y_{k-1,j} / (s k), where y_{0,j} = theta^{j-1} / (j-1)! and
/// y_{k,j} = (y_{k-1,j-1} - c h shift y_{k-1,j}) / (s k): the Taylor terms of the y block of the augmented
/// matrix.
template <class Real>
struct FillSources {
  Series<Real> series;
  double theta;

  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const Lanes lanes(block, series.lanes());
    const double start[most_phi_terms] = {1.0, theta, 0.5 * theta * theta};
    double y[most_phi_terms][block_lanes];
    for (std::size_t j = 0; j < series.terms; ++j)
      for (std::size_t l = 0; l < lanes.count; ++l) y[j][l] = start[j];
    const std::size_t last = series.shift != 0.0 ? series.m : series.terms;
    for (std::size_t k = 1; k <= last; ++k) {
      const double factor = 1.0 / (series.scalings * static_cast<double>(k)),
                   pull = -factor * series.c * series.shift;
      for (std::size_t j = series.terms; j-- > 0;) {
        Real* KOKKOS_RESTRICT source = series.source(k, j) + lanes.begin;
        const double from_lower = j > 0 ? factor : 0.0;
        const double* lower = y[j > 0 ? j - 1 : 0];
        for (std::size_t l = 0; l < lanes.count; ++l) {
          const double h = series.steps(lanes.begin + l);
          source[l] = Real(h * factor * y[j][l]);
          y[j][l] = pull * h * y[j][l] + from_lower * lower[l];
        }
      }
    }
  }
};

/// first = sum = before, and the norms of its lanes.
template <class Real>
struct BeginSeries {
  ConstMatrixView<Real> before;
  MatrixView<Real> first, sum;
  VectorView<Real> norms;

  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const Lanes lanes(block, sum.extent(1));
    Real largest[block_lanes] = {};
    for (std::size_t i = 0; i < sum.extent(0); ++i) {
      const Real* from = &before(i, lanes.begin);
      Real *a = &first(i, lanes.begin), *b = &sum(i, lanes.begin);
      for (std::size_t l = 0; l < lanes.count; ++l) {
        const Real value = from[l], size = std::abs(value);
        a[l] = value;
        b[l] = value;
        largest[l] = size > largest[l] ? size : largest[l];
      }
    }
    for (std::size_t l = 0; l < lanes.count; ++l) norms(lanes.begin + l) = largest[l];
  }
};

/// From product = B term_{k-1}: term_k, sum += term_k; says whether some lane of the block is not settled.
template <class Real>
struct AddTerm {
  Series<Real> series;
  std::size_t k;
  ConstMatrixView<Real> product;
  MatrixView<Real> term, sum;
  VectorView<Real> norms;

  KOKKOS_FUNCTION void operator()(std::size_t block, int& unsettled) const {
    const Lanes lanes(block, series.lanes());
    Real factor[block_lanes], value[block_lanes], now[block_lanes] = {}, total[block_lanes] = {};
    for (std::size_t l = 0; l < lanes.count; ++l)
      factor[l] = Real(series.c * series.steps(lanes.begin + l) / (series.scalings * static_cast<double>(k)));
    for (std::size_t i = 0; i < sum.extent(0); ++i) {
      const Real* KOKKOS_RESTRICT p = &product(i, lanes.begin);
      Real *KOKKOS_RESTRICT t = &term(i, lanes.begin), *KOKKOS_RESTRICT f = &sum(i, lanes.begin);
      for (std::size_t l = 0; l < lanes.count; ++l) value[l] = factor[l] * p[l];
      for (std::size_t j = 0; j < series.terms_at(k); ++j) {
        const Real *KOKKOS_RESTRICT g = series.source(k, j) + lanes.begin,
                                    *KOKKOS_RESTRICT w = &series.w[j](i, lanes.begin);
        for (std::size_t l = 0; l < lanes.count; ++l) value[l] += g[l] * w[l];
      }
      for (std::size_t l = 0; l < lanes.count; ++l) {
        const Real x = value[l], y = f[l] + x;
        t[l] = x;
        f[l] = y;
        now[l] = std::abs(x) > now[l] ? std::abs(x) : now[l];
        total[l] = std::abs(y) > total[l] ? std::abs(y) : total[l];
      }
    }
    for (std::size_t l = 0; l < lanes.count; ++l) {
      if (!(norms(lanes.begin + l) + now[l] <= tolerance<Real> * total[l])) unsettled = 1;
      norms(lanes.begin + l) = now[l];
    }
  }
};

/// Adjoint of AddTerm: product_bar = (tau_l / (s k)) term_bar, w_bar_j += sources term_bar, and term_bar is
/// set to the adjoint of the sum, to which the caller adds B^T product_bar: the adjoint of term_{k-1}.
template <class Real>
struct AddTermVjp {
  Series<Real> series;
  std::size_t k;
  ConstMatrixView<Real> sum_bar;
  MatrixView<Real> term_bar, product_bar;
  Kokkos::Array<MatrixView<Real>, most_phi_terms> w_bar;

  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const Lanes lanes(block, series.lanes());
    Real factor[block_lanes];
    for (std::size_t l = 0; l < lanes.count; ++l)
      factor[l] = Real(series.c * series.steps(lanes.begin + l) / (series.scalings * static_cast<double>(k)));
    for (std::size_t i = 0; i < sum_bar.extent(0); ++i) {
      const Real* KOKKOS_RESTRICT from = &sum_bar(i, lanes.begin);
      Real *KOKKOS_RESTRICT t = &term_bar(i, lanes.begin), *KOKKOS_RESTRICT p = &product_bar(i, lanes.begin);
      for (std::size_t j = 0; j < series.terms_at(k); ++j) {
        const Real* KOKKOS_RESTRICT g = series.source(k, j) + lanes.begin;
        Real* KOKKOS_RESTRICT out = &w_bar[j](i, lanes.begin);
        for (std::size_t l = 0; l < lanes.count; ++l) out[l] += g[l] * t[l];
      }
      for (std::size_t l = 0; l < lanes.count; ++l) {
        p[l] = factor[l] * t[l];
        t[l] = from[l];
      }
    }
  }
};

/// state(:, l) *= exp(c h_l shift / s), which undoes the shift over one scaling step.
template <class Real>
struct UndoShift {
  Series<Real> series;
  MatrixView<Real> state;

  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const Lanes lanes(block, series.lanes());
    Real factor[block_lanes];
    for (std::size_t l = 0; l < lanes.count; ++l)
      factor[l] = Real(std::exp(series.c * series.steps(lanes.begin + l) * series.shift / series.scalings));
    for (std::size_t i = 0; i < state.extent(0); ++i) {
      Real* KOKKOS_RESTRICT x = &state(i, lanes.begin);
      for (std::size_t l = 0; l < lanes.count; ++l) x[l] *= factor[l];
    }
  }
};

}  // namespace spnode::core::expmv
