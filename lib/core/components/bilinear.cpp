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

// Q_i,jk of sum_r (C_r x)_i (D_r x)_i, and the way back. With C_i and D_i the rows i of all C_r and D_r, (R,
// N), Q_i holds the entries on and above the diagonal of M + M^T, M = C_i^T D_i, those on it halved.
class Expansion {
 public:
  Expansion(std::size_t n, std::size_t N, std::size_t R)
      : n_(n), N_(N), R_(R), left_(R * N), right_(R * N), square_(N * N) {}

  // Q, whose entries lie `stride` apart, += the forms of output i.
  void add(const double* C, const double* D, std::size_t i, double* Q, std::size_t stride) {
    gather(C, i, left_);
    gather(D, i, right_);
    multiply(1.0, transposed(factor(left_)), factor(right_), 0.0, square(std::span(square_), N_));
    for (std::size_t j = 0; j < N_; ++j) {
      *Q += square_[j * N_ + j];
      Q += stride;
      for (std::size_t k = j + 1; k < N_; ++k, Q += stride) *Q += square_[j * N_ + k] + square_[k * N_ + j];
    }
  }

  // C_bar_i += D_i S, D_bar_i += C_i S; the symmetric S holds Q_bar_i,jk at (j, k) and (k, j).
  void add_vjp(const double* C, const double* D, std::size_t i, const double* Q_bar, std::size_t stride,
               double* C_bar, double* D_bar) {
    for (std::size_t j = 0; j < N_; ++j)
      for (std::size_t k = j; k < N_; ++k, Q_bar += stride)
        square_[j * N_ + k] = square_[k * N_ + j] = *Q_bar;
    const auto pull_back = [&](const double* other, double* bar) {
      gather(other, i, left_);
      multiply(1.0, factor(left_), square(std::span<const double>(square_), N_), 0.0,
               {right_.data(), R_, N_});
      for (std::size_t r = 0; r < R_; ++r)
        for (std::size_t j = 0; j < N_; ++j) bar[(r * n_ + i) * N_ + j] += right_[r * N_ + j];
    };
    pull_back(D, C_bar);
    pull_back(C, D_bar);
  }

 private:
  void gather(const double* factors, std::size_t i, std::vector<double>& rows) const {
    for (std::size_t r = 0; r < R_; ++r) std::copy_n(factors + (r * n_ + i) * N_, N_, rows.data() + r * N_);
  }
  HostOperand factor(const std::vector<double>& rows) const { return {rows.data(), R_, N_}; }

  std::size_t n_, N_, R_;
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
Bilinear<Real>::Bilinear(TermShape shape, BilinearOptions options, std::string name)
    : states_(shape.states),
      n_(shape.outputs),
      N_(shape.states + shape.arguments),
      options_(options),
      name_(std::move(name)) {}

template <class Real>
void Bilinear<Real>::declare(ParameterLayout& layout) {
  const std::size_t R = options_.rank;
  C_ = {name_ + "/C", {R, n_, N_}, "left factors of the bilinear form"};
  D_ = {name_ + "/D", {R, n_, N_}, "right factors of the bilinear form"};
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

template <class Real>
void Bilinear<Real>::scale_value(double factor, std::span<double> theta) const {
  for (const ParameterBlock* block : {&C_, &b_}) scale_block(factor, theta, *block);
}

// C, D and b stand one after the other in theta; factored, in the coefficients too.
template <class Real>
void Bilinear<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  if (!expanded()) {
    std::ranges::copy(theta.subspan(C_.offset, c.size()), c.begin());
    return;
  }
  std::ranges::fill(c, 0.0);
  Expansion expansion(n_, N_, options_.rank);
  for (std::size_t i = 0; i < n_; ++i)
    expansion.add(theta.data() + C_.offset, theta.data() + D_.offset, i, c.data() + i, stride());
  std::ranges::copy(block_of(theta, b_), c.begin() + std::ptrdiff_t(form_entries()));
}

template <class Real>
void Bilinear<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                  std::span<double> theta_bar) const {
  if (!expanded()) {
    for (std::size_t i = 0; i < c_bar.size(); ++i) theta_bar[C_.offset + i] += c_bar[i];
    return;
  }
  Expansion expansion(n_, N_, options_.rank);
  for (std::size_t i = 0; i < n_; ++i)
    expansion.add_vjp(theta.data() + C_.offset, theta.data() + D_.offset, i, c_bar.data() + i, stride(),
                      theta_bar.data() + C_.offset, theta_bar.data() + D_.offset);
  for (std::size_t i = 0; i < n_; ++i) theta_bar[b_.offset + i] += c_bar[form_entries() + i];
}

template <class Real>
void Bilinear<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                  std::span<double> c_dot) const {
  if (!expanded()) {
    std::ranges::copy(theta_dot.subspan(C_.offset, c_dot.size()), c_dot.begin());
    return;
  }
  std::ranges::fill(c_dot, 0.0);
  Expansion expansion(n_, N_, options_.rank);
  for (std::size_t i = 0; i < n_; ++i) {
    double* const Q_dot = c_dot.data() + i;
    expansion.add(theta_dot.data() + C_.offset, theta.data() + D_.offset, i, Q_dot, stride());
    expansion.add(theta.data() + C_.offset, theta_dot.data() + D_.offset, i, Q_dot, stride());
  }
  std::ranges::copy(block_of(theta_dot, b_), c_dot.begin() + std::ptrdiff_t(form_entries()));
}

template <class Real>
ConstMatrixView<Real> Bilinear<Real>::forms(const ConstVectorView<Real>& coefficients) const {
  return lanes_of(ConstMatrixView<Real>(coefficients.data(), monomial_count(N_), stride()), 0, n_);
}

template <class Real>
ConstMatrixView<Real> Bilinear<Real>::factors(const ConstVectorView<Real>& coefficients) const {
  return ConstMatrixView<Real>(coefficients.data(), 2 * pairs(), N_);
}

// [u; q] in one piece, as quadratic forms take it.
template <class Real>
ConstMatrixView<Real> Bilinear<Real>::joined(const ExecSpace& space, const Point<Real>& x,
                                             Scratch<Real>& scratch) const {
  if (N_ == states_) return x.u;
  const MatrixView<Real> both = scratch.matrix(N_, x.lanes());
  scaled_copy(space, 1.0, x.u, rows_of(both, 0, states_));
  if (x.q.extent(0) > 0)
    scaled_copy(space, 1.0, x.q, rows_of(both, states_, N_ - states_));
  else
    fill(space, 0.0, rows_of(both, states_, N_ - states_));
  return both;
}

// Where the adjoint of joined() is added up, and its way to that of the point.
template <class Real>
MatrixView<Real> Bilinear<Real>::start_bar(const ExecSpace& space, const PointBar<Real>& x_bar,
                                           Scratch<Real>& scratch) const {
  if (N_ == states_) return x_bar.u;
  const MatrixView<Real> bar = scratch.matrix(N_, x_bar.u.extent(1));
  fill(space, 0.0, bar);
  return bar;
}
template <class Real>
void Bilinear<Real>::finish_bar(const ExecSpace& space, ConstMatrixView<Real> bar,
                                const PointBar<Real>& x_bar) const {
  if (N_ == states_) return;
  axpy(space, 1.0, rows_of(bar, 0, states_), x_bar.u);
  if (x_bar.q.extent(0) > 0) axpy(space, 1.0, rows_of(bar, states_, N_ - states_), x_bar.q);
}

template <class Real>
void Bilinear<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const ConstVectorView<Real>& c = value.coefficients;
  add_to_lanes<Real>(space, ConstVectorView<Real>(c.data() + c.extent(0) - n_, n_), value.y);
  const ScratchFrame frame(scratch);
  if (expanded()) return quadratic<Real>(space, forms(c), joined(space, value.x, scratch), value.y);
  const MatrixView<Real> products = scratch.matrix(2 * pairs(), value.x.lanes());
  gemm(space, 1.0, factors(c), Transpose::no, value.x.stack(), 0.0, products);
  add_products<Real>(space, products, value.y);
}

template <class Real>
void Bilinear<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const VectorView<Real>& bar = reverse.coefficients_bar;
  if (bar.extent(0) > 0)
    add_row_sums<Real>(space, reverse.y_bar, VectorView<Real>(bar.data() + bar.extent(0) - n_, n_));
  const ScratchFrame frame(scratch);
  if (expanded())
    quadratic_reverse(space, reverse, scratch);
  else
    factored_reverse(space, reverse, scratch);
}

template <class Real>
void Bilinear<Real>::quadratic_reverse(const ExecSpace& space, const Reverse& reverse,
                                       Scratch<Real>& scratch) const {
  const MatrixView<Real> Q_bar(reverse.coefficients_bar.data(),
                               reverse.coefficients_bar.extent(0) > 0 ? monomial_count(N_) : 0, stride());
  const MatrixView<Real> bar = start_bar(space, reverse.x_bar, scratch);
  quadratic_vjp<Real>(
      space, {forms(reverse.coefficients), joined(space, reverse.x, scratch), reverse.y_bar, bar, Q_bar});
  finish_bar(space, bar, reverse.x_bar);
}

template <class Real>
void Bilinear<Real>::factored_reverse(const ExecSpace& space, const Reverse& reverse,
                                      Scratch<Real>& scratch) const {
  const MatrixView<Real> products = scratch.matrix(2 * pairs(), reverse.x.lanes());
  const ConstMatrixView<Real> CD = factors(reverse.coefficients);
  gemm(space, 1.0, CD, Transpose::no, reverse.x.stack(), 0.0, products);
  products_vjp<Real>(space, reverse.y_bar, products);
  const MatrixView<Real> bar = start_bar(space, reverse.x_bar, scratch);
  gemm(space, 1.0, CD, Transpose::yes, products, 1.0, bar);
  finish_bar(space, bar, reverse.x_bar);
  if (reverse.coefficients_bar.extent(0) > 0)
    gemm_nt(space, 1.0, products, reverse.x.stack(),
            MatrixView<Real>(reverse.coefficients_bar.data(), 2 * pairs(), N_));
}

template <class Real>
void Bilinear<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstVectorView<Real>& c_dot = tangent.coefficients_dot;
  const bool moves = c_dot.extent(0) > 0;
  if (moves)
    add_to_lanes<Real>(space, ConstVectorView<Real>(c_dot.data() + c_dot.extent(0) - n_, n_), tangent.y_dot);
  if (!expanded()) return factored_tangent(space, tangent, scratch);
  const ConstMatrixView<Real> x = joined(space, tangent.x, scratch);
  if (moves) quadratic<Real>(space, forms(c_dot), x, tangent.y_dot);
  quadratic_jvp<Real>(space, forms(tangent.coefficients), x, joined(space, tangent.x_dot, scratch),
                      tangent.y_dot);
}

template <class Real>
void Bilinear<Real>::factored_tangent(const ExecSpace& space, const Tangent& tangent,
                                      Scratch<Real>& scratch) const {
  const std::size_t rows = 2 * pairs(), lanes = tangent.x.lanes();
  const MatrixView<Real> products = scratch.matrix(rows, lanes), dots = scratch.matrix(rows, lanes);
  const ConstMatrixView<Real> CD = factors(tangent.coefficients);
  const ConstMatrixStack<Real> x_dot = tangent.x_dot.stack();
  gemm(space, 1.0, CD, Transpose::no, tangent.x.stack(), 0.0, products);
  gemm(space, 1.0, lanes_of(CD, 0, x_dot.rows()), Transpose::no, x_dot, 0.0, dots);
  if (tangent.coefficients_dot.extent(0) > 0)
    gemm(space, 1.0, factors(tangent.coefficients_dot), Transpose::no, tangent.x.stack(), 1.0, dots);
  add_products_jvp<Real>(space, products, dots, tangent.y_dot);
}

// y_dot = B(x, x_dot) with the symmetric form B of which g is the half: linear in either, so that each
// adjoint is that of g at the other. The monomials of x + x_dot less those of x - x_dot are twice the pairs
// x_j x_dot_k + x_dot_j x_k, whose sum with y_dot_bar is the adjoint of Q.
template <class Real>
void Bilinear<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  if (!expanded()) return factored_tangent_reverse(space, reverse, scratch);
  const std::size_t lanes = reverse.x.lanes();
  const ConstMatrixView<Real> Q = forms(reverse.coefficients), x = joined(space, reverse.x, scratch),
                              x_dot = joined(space, reverse.x_dot, scratch);
  const MatrixView<Real> none(reverse.coefficients_bar.data(), 0, stride());
  const MatrixView<Real> bar = start_bar(space, reverse.x_bar, scratch),
                         dot_bar = start_bar(space, reverse.x_dot_bar, scratch);
  quadratic_vjp<Real>(space, {Q, x_dot, reverse.y_dot_bar, bar, none});
  quadratic_vjp<Real>(space, {Q, x, reverse.y_dot_bar, dot_bar, none});
  finish_bar(space, bar, reverse.x_bar);
  finish_bar(space, dot_bar, reverse.x_dot_bar);
  if (reverse.coefficients_bar.extent(0) == 0) return;
  const MatrixView<Real> Q_bar(reverse.coefficients_bar.data(), monomial_count(N_), stride());
  const MatrixView<Real> at = scratch.matrix(N_, lanes), w = scratch.matrix(n_, lanes),
                         unused = scratch.matrix(N_, lanes);
  fill(space, 0.0, unused);
  for (const double sign : {1.0, -1.0}) {
    scaled_copy(space, 1.0, x, at);
    axpy(space, sign, x_dot, at);
    scaled_copy(space, 0.5 * sign, reverse.y_dot_bar, w);
    quadratic_vjp<Real>(space, {Q, at, w, unused, Q_bar});
  }
}

// With p = [C x; D x] and p_dot = [C x_dot; D x_dot], y_dot = sum p_left_dot p_right + p_left p_right_dot.
template <class Real>
void Bilinear<Real>::factored_tangent_reverse(const ExecSpace& space, const TangentReverse& reverse,
                                              Scratch<Real>& scratch) const {
  const std::size_t rows = 2 * pairs(), lanes = reverse.x.lanes();
  const MatrixView<Real> products = scratch.matrix(rows, lanes), dots = scratch.matrix(rows, lanes);
  const ConstMatrixView<Real> CD = factors(reverse.coefficients);
  const ConstMatrixStack<Real> x = reverse.x.stack(), x_dot = reverse.x_dot.stack();
  gemm(space, 1.0, CD, Transpose::no, x, 0.0, products);
  gemm(space, 1.0, lanes_of(CD, 0, x_dot.rows()), Transpose::no, x_dot, 0.0, dots);
  // The adjoint of p is y_dot_bar times the other half of p_dot; that of p_dot, times the other half of p.
  products_vjp<Real>(space, reverse.y_dot_bar, products);
  products_vjp<Real>(space, reverse.y_dot_bar, dots);
  const MatrixView<Real> bar = start_bar(space, reverse.x_bar, scratch),
                         dot_bar = start_bar(space, reverse.x_dot_bar, scratch);
  gemm(space, 1.0, CD, Transpose::yes, dots, 1.0, bar);
  gemm(space, 1.0, CD, Transpose::yes, products, 1.0, dot_bar);
  finish_bar(space, bar, reverse.x_bar);
  finish_bar(space, dot_bar, reverse.x_dot_bar);
  if (reverse.coefficients_bar.extent(0) == 0) return;
  const MatrixView<Real> CD_bar(reverse.coefficients_bar.data(), rows, N_);
  gemm_nt(space, 1.0, dots, x, CD_bar);
  gemm_nt(space, 1.0, products, x_dot, lanes_of(CD_bar, 0, x_dot.rows()));
}

// y_dot = B(x, x_dot) is linear in Q.
template <class Real>
void Bilinear<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  if (!expanded()) return factored_tangent_tangent(space, tangent, scratch);
  quadratic_jvp<Real>(space, forms(tangent.coefficients_dot), joined(space, tangent.x, scratch),
                      joined(space, tangent.x_dot, scratch), tangent.y_dot_dot);
}

// y_dot as in factored_tangent_reverse; p and p_dot both move with C and D.
template <class Real>
void Bilinear<Real>::factored_tangent_tangent(const ExecSpace& space, const TangentTangent& tangent,
                                              Scratch<Real>& scratch) const {
  const std::size_t rows = 2 * pairs(), lanes = tangent.x.lanes();
  const ConstMatrixStack<Real> x = tangent.x.stack(), x_dot = tangent.x_dot.stack();
  const auto product = [&](const ConstVectorView<Real>& c, const ConstMatrixStack<Real>& of) {
    const MatrixView<Real> out = scratch.matrix(rows, lanes);
    gemm(space, 1.0, lanes_of(factors(c), 0, of.rows()), Transpose::no, of, 0.0, out);
    return out;
  };
  add_products_jvp<Real>(space, product(tangent.coefficients, x), product(tangent.coefficients_dot, x_dot),
                         tangent.y_dot_dot);
  add_products_jvp<Real>(space, product(tangent.coefficients_dot, x), product(tangent.coefficients, x_dot),
                         tangent.y_dot_dot);
}

template class Bilinear<double>;
template class Bilinear<float>;

}  // namespace spnode::core
