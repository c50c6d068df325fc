#include "core/components/bilinear.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::core {
namespace {

// Q_i,jk of sum_r (C_r u)_i (D_r u)_i, and the way back. With C_i and D_i the rows i of all C_r and D_r, (R,
// n), Q_i holds the entries on and above the diagonal of M + M^T, M = C_i^T D_i, those on it halved.
class Expansion {
 public:
  Expansion(std::size_t n, std::size_t R) : n_(n), R_(R), left_(R * n), right_(R * n), square_(n * n) {}

  // Q += the forms of output i.
  void add(const double* C, const double* D, std::size_t i, double* Q) {
    gather(C, i, left_);
    gather(D, i, right_);
    multiply(1.0, transposed(factor(left_)), factor(right_), 0.0, square(std::span(square_), n_));
    for (std::size_t j = 0; j < n_; ++j) {
      *Q++ += square_[j * n_ + j];
      for (std::size_t k = j + 1; k < n_; ++k) *Q++ += square_[j * n_ + k] + square_[k * n_ + j];
    }
  }

  // C_bar_i += D_i S, D_bar_i += C_i S; the symmetric S holds Q_bar_i,jk at (j, k) and (k, j).
  void add_vjp(const double* C, const double* D, std::size_t i, const double* Q_bar, double* C_bar,
               double* D_bar) {
    for (std::size_t j = 0; j < n_; ++j)
      for (std::size_t k = j; k < n_; ++k) square_[j * n_ + k] = square_[k * n_ + j] = *Q_bar++;
    const auto pull_back = [&](const double* other, double* bar) {
      gather(other, i, left_);
      multiply(1.0, factor(left_), square(std::span<const double>(square_), n_), 0.0,
               {right_.data(), R_, n_});
      for (std::size_t r = 0; r < R_; ++r)
        for (std::size_t j = 0; j < n_; ++j) bar[(r * n_ + i) * n_ + j] += right_[r * n_ + j];
    };
    pull_back(D, C_bar);
    pull_back(C, D_bar);
  }

 private:
  void gather(const double* factors, std::size_t i, std::vector<double>& rows) const {
    for (std::size_t r = 0; r < R_; ++r) std::copy_n(factors + (r * n_ + i) * n_, n_, rows.data() + r * n_);
  }
  HostOperand factor(const std::vector<double>& rows) const { return {rows.data(), R_, n_}; }

  std::size_t n_, R_;
  std::vector<double> left_, right_, square_;
};

// The rows of `products` are C_1 x, C_2 x, ..., below them D_1 x, D_2 x, ..., n rows each.

// y += sum_r (C_r x) (D_r x).
template <class Real>
void add_products(const ExecSpace& space, ConstMatrixView<Real> products, MatrixView<Real> y) {
  const std::size_t n = y.extent(0), half = products.extent(0) / 2;
  for_each_row(
      "bilinear", space, n, y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        Real* const to = &y(i, 0);
        for (std::size_t row = i; row < half; row += n) {
          const Real* const left = &products(row, 0);
          const Real* const right = &products(half + row, 0);
          for (std::size_t l = first; l < last; ++l) to[l] += left[l] * right[l];
        }
      });
}

// products become their adjoints: of a left factor y_bar times the right one, and the other way round.
template <class Real>
void products_vjp(const ExecSpace& space, ConstMatrixView<Real> y_bar, MatrixView<Real> products) {
  const std::size_t n = y_bar.extent(0), half = products.extent(0) / 2;
  for_each_row(
      "bilinear_vjp", space, half, y_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t pair, const std::size_t first, const std::size_t last) {
        const Real* const bar = &y_bar(pair % n, 0);
        Real* const left = &products(pair, 0);
        Real* const right = &products(half + pair, 0);
        for (std::size_t l = first; l < last; ++l) {
          const Real value = left[l];
          left[l] = bar[l] * right[l];
          right[l] = bar[l] * value;
        }
      });
}

// The tangent of add_products with the tangents `dots` of the products.
template <class Real>
void add_products_jvp(const ExecSpace& space, ConstMatrixView<Real> products, ConstMatrixView<Real> dots,
                      MatrixView<Real> y_dot) {
  const std::size_t n = y_dot.extent(0), half = products.extent(0) / 2;
  for_each_row(
      "bilinear_jvp", space, n, y_dot.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t row = i; row < half; row += n)
          for (std::size_t l = first; l < last; ++l)
            y_dot(i, l) += dots(row, l) * products(half + row, l) + products(row, l) * dots(half + row, l);
      });
}

}  // namespace

template <class Real>
Bilinear<Real>::Bilinear(std::size_t dimension, BilinearOptions options, std::string name)
    : n_(dimension), options_(options), name_(std::move(name)) {}

template <class Real>
void Bilinear<Real>::declare(ParameterLayout& layout) {
  const std::size_t R = options_.rank;
  C_ = {name_ + "/C", {R, n_, n_}, "left factors of the bilinear form"};
  D_ = {name_ + "/D", {R, n_, n_}, "right factors of the bilinear form"};
  b_ = {name_ + "/b", {n_}, "constant of the bilinear form"};
  for (ParameterBlock* block : {&C_, &D_, &b_}) block->offset = layout.add(*block);
}

template <class Real>
void Bilinear<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  const double scale = options_.initial_scale / std::sqrt(double(pairs()));
  for (const ParameterBlock* block : {&C_, &D_}) {
    const Random random(seed, block->name);
    const auto values = block_of(theta, *block);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = scale * random.normal(i);
  }
  std::ranges::fill(block_of(theta, b_), 0.0);
}

// C, D and b stand one after the other in theta; factored, in kappa too.
template <class Real>
void Bilinear<Real>::assemble(std::span<const double> theta, std::span<double> kappa) const {
  if (!expanded()) {
    std::ranges::copy(theta.subspan(C_.offset, kappa.size()), kappa.begin());
    return;
  }
  std::ranges::fill(kappa, 0.0);
  Expansion expansion(n_, options_.rank);
  for (std::size_t i = 0; i < n_; ++i)
    expansion.add(theta.data() + C_.offset, theta.data() + D_.offset, i, kappa.data() + i * stride());
  std::ranges::copy(block_of(theta, b_), kappa.begin() + std::ptrdiff_t(n_ * stride()));
}

template <class Real>
void Bilinear<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                                  std::span<double> theta_bar) const {
  if (!expanded()) {
    for (std::size_t i = 0; i < kappa_bar.size(); ++i) theta_bar[C_.offset + i] += kappa_bar[i];
    return;
  }
  Expansion expansion(n_, options_.rank);
  for (std::size_t i = 0; i < n_; ++i)
    expansion.add_vjp(theta.data() + C_.offset, theta.data() + D_.offset, i, kappa_bar.data() + i * stride(),
                      theta_bar.data() + C_.offset, theta_bar.data() + D_.offset);
  for (std::size_t i = 0; i < n_; ++i) theta_bar[b_.offset + i] += kappa_bar[n_ * stride() + i];
}

template <class Real>
void Bilinear<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                  std::span<double> kappa_dot) const {
  if (!expanded()) {
    std::ranges::copy(theta_dot.subspan(C_.offset, kappa_dot.size()), kappa_dot.begin());
    return;
  }
  std::ranges::fill(kappa_dot, 0.0);
  Expansion expansion(n_, options_.rank);
  for (std::size_t i = 0; i < n_; ++i) {
    double* const Q_dot = kappa_dot.data() + i * stride();
    expansion.add(theta_dot.data() + C_.offset, theta.data() + D_.offset, i, Q_dot);
    expansion.add(theta.data() + C_.offset, theta_dot.data() + D_.offset, i, Q_dot);
  }
  std::ranges::copy(block_of(theta_dot, b_), kappa_dot.begin() + std::ptrdiff_t(n_ * stride()));
}

template <class Real>
ConstMatrixView<Real> Bilinear<Real>::forms(const ConstVectorView<Real>& kappa) const {
  return lanes_of(ConstMatrixView<Real>(kappa.data(), n_, stride()), 0, monomial_count(n_));
}

template <class Real>
ConstMatrixView<Real> Bilinear<Real>::factors(const ConstVectorView<Real>& kappa) const {
  return ConstMatrixView<Real>(kappa.data(), 2 * pairs(), n_);
}

template <class Real>
void Bilinear<Real>::apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x,
                           MatrixView<Real> y, MatrixView<Real>, Scratch<Real>& scratch) const {
  add_to_lanes<Real>(space, ConstVectorView<Real>(kappa.data() + kappa.extent(0) - n_, n_), y);
  if (expanded()) return quadratic<Real>(space, forms(kappa), x, y);
  apply_factored(space, kappa, x, y, scratch);
}

template <class Real>
void Bilinear<Real>::apply_factored(const ExecSpace& space, ConstVectorView<Real> kappa,
                                    ConstMatrixView<Real> x, MatrixView<Real> y,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> products = scratch.matrix(2 * pairs(), x.extent(1));
  gemm(space, 1.0, factors(kappa), Transpose::no, x, 0.0, products);
  add_products<Real>(space, products, y);
}

template <class Real>
void Bilinear<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  Real* const bar = reverse.kappa_bar.data();
  const bool learns = reverse.kappa_bar.extent(0) > 0;
  if (learns)
    add_row_sums<Real>(space, reverse.y_bar, VectorView<Real>(bar + reverse.kappa_bar.extent(0) - n_, n_));
  if (!expanded()) return apply_factored_vjp(space, reverse, scratch);
  const MatrixView<Real> Q_bar(bar, learns ? n_ : 0, stride());
  quadratic_vjp<Real>(space, {forms(reverse.kappa), reverse.x, reverse.y_bar, reverse.x_bar, Q_bar});
}

template <class Real>
void Bilinear<Real>::apply_factored_vjp(const ExecSpace& space, const Reverse& reverse,
                                        Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> products = scratch.matrix(2 * pairs(), reverse.x.extent(1));
  gemm(space, 1.0, factors(reverse.kappa), Transpose::no, reverse.x, 0.0, products);
  products_vjp<Real>(space, reverse.y_bar, products);
  gemm(space, 1.0, factors(reverse.kappa), Transpose::yes, products, 1.0, reverse.x_bar);
  if (reverse.kappa_bar.extent(0) > 0)
    gemm_nt(space, 1.0, products, reverse.x, MatrixView<Real>(reverse.kappa_bar.data(), 2 * pairs(), n_));
}

template <class Real>
void Bilinear<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const std::size_t b = tangent.kappa_dot.extent(0) - n_;
  add_to_lanes<Real>(space, ConstVectorView<Real>(tangent.kappa_dot.data() + b, n_), tangent.y_dot);
  if (!expanded()) return apply_factored_jvp(space, tangent, scratch);
  quadratic<Real>(space, forms(tangent.kappa_dot), tangent.x, tangent.y_dot);
  quadratic_jvp<Real>(space, forms(tangent.kappa), tangent.x, tangent.x_dot, tangent.y_dot);
}

template <class Real>
void Bilinear<Real>::apply_factored_jvp(const ExecSpace& space, const Tangent& tangent,
                                        Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t rows = 2 * pairs(), lanes = tangent.x.extent(1);
  const MatrixView<Real> products = scratch.matrix(rows, lanes), dots = scratch.matrix(rows, lanes);
  gemm(space, 1.0, factors(tangent.kappa), Transpose::no, tangent.x, 0.0, products);
  gemm(space, 1.0, factors(tangent.kappa), Transpose::no, tangent.x_dot, 0.0, dots);
  gemm(space, 1.0, factors(tangent.kappa_dot), Transpose::no, tangent.x, 1.0, dots);
  add_products_jvp<Real>(space, products, dots, tangent.y_dot);
}

template class Bilinear<double>;
template class Bilinear<float>;

}  // namespace spnode::core
