#include "core/linear/fast/dissipative_form.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"
#include "core/linear/hurwitz.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

template <class Real>
struct Box {
  ConstVectorView<Real> low, high;

  KOKKOS_FUNCTION Real above(std::size_t k, Real x) const { return x - low(k); }
  KOKKOS_FUNCTION Real below(std::size_t k, Real x) const { return high(k) - x; }
};

/// phi = the hats at x.
template <class Real>
void hats(const ExecSpace& space, const Box<Real>& box, ConstMatrixView<Real> x, MatrixView<Real> phi) {
  const std::size_t slow = x.extent(0);
  for_each_row(
      "hats", space, slow, x.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const Real above = box.above(k, x(k, l)), below = box.below(k, x(k, l));
          phi(k, l) = above > Real(0) ? above : Real(0);
          phi(slow + k, l) = below > Real(0) ? below : Real(0);
        }
      });
}

/// x_bar += the adjoint of the hats.
template <class Real>
void add_hats_vjp(const ExecSpace& space, const Box<Real>& box, ConstMatrixView<Real> x,
                  ConstMatrixView<Real> phi_bar, MatrixView<Real> x_bar) {
  const std::size_t slow = x.extent(0);
  for_each_row(
      "hats_vjp", space, slow, x.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          if (box.above(k, x(k, l)) > Real(0)) x_bar(k, l) += phi_bar(k, l);
          if (box.below(k, x(k, l)) > Real(0)) x_bar(k, l) -= phi_bar(slow + k, l);
        }
      });
}

/// phi_dot = the tangent of the hats.
template <class Real>
void hats_jvp(const ExecSpace& space, const Box<Real>& box, ConstMatrixView<Real> x,
              ConstMatrixView<Real> x_dot, MatrixView<Real> phi_dot) {
  const std::size_t slow = x.extent(0);
  for_each_row(
      "hats_jvp", space, slow, x.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          phi_dot(k, l) = box.above(k, x(k, l)) > Real(0) ? x_dot(k, l) : Real(0);
          phi_dot(slow + k, l) = box.below(k, x(k, l)) > Real(0) ? -x_dot(k, l) : Real(0);
        }
      });
}

template <class Real>
Vector<Real> corner(const std::vector<double>& given, std::size_t slow) {
  const Vector<Real> on_device("corner", slow);
  upload(given.size() == slow ? given : std::vector<double>(slow, given.front()), on_device);
  return on_device;
}

}  // namespace

template <class Real>
DissipativeForm<Real>::DissipativeForm(std::size_t slow, std::size_t fast, const HurwitzOptions& options)
    : FastOperator<Real>(slow, fast), weights_(options.fast.dependence), options_(options) {
  features_ = 1 + linear_features();
  if (weights_ == Dependence::hats) {
    features_ += 2 * slow;
    low_ = corner<Real>(options.fast.low, slow);
    high_ = corner<Real>(options.fast.high, slow);
  }
  if (weights_ != Dependence::network) return;
  features_ += options.fast.count;
  NetworkOptions layers;
  layers.hidden = options.fast.hidden;
  layers.activation = Activation::squareplus;
  layers.last_activation = true;
  typename Network<Real>::Role role{"linear/weights"};
  role.frozen = !options.trainable;
  network_ = std::make_unique<Network<Real>>(slow, options.fast.count, layers, role);
}

template <class Real>
void DissipativeForm<Real>::declare(ParameterLayout& layout) {
  const std::size_t n = this->fast();
  const bool frozen = !options_.trainable;
  K_ = {"linear/K",
        {1 + linear_features(), n, n},
        "K(x) = G_0 - G_0^T + sum_k x_k (G_k - G_k^T): the G_k",
        ParameterGroup::dynamics,
        frozen};
  L_ = {"linear/L",
        {n, n},
        "M_0 = diag(e^d) (I + N): d on the diagonal, N below it",
        ParameterGroup::dynamics,
        frozen};
  M_ = {"linear/M",
        {weight_count(), n, options_.rank},
        "factors M_i of the weights phi_i",
        ParameterGroup::dynamics,
        frozen};
  for (ParameterBlock* block : {&K_, &L_}) block->offset = layout.add(*block);
  if (weight_count() > 0) M_.offset = layout.add(M_);
  if (network_) network_->declare(layout);
}

template <class Real>
void DissipativeForm<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  const std::size_t n = this->fast();
  const double scale = options_.noise / std::sqrt(double(n));
  const auto random_entries = [&](const ParameterBlock& block) {
    const Random random(seed, block.name);
    const auto values = block_of(theta, block);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = scale * random.normal(i);
  };
  random_entries(K_);
  random_entries(L_);
  for (std::size_t i = 0; i < n; ++i)
    theta[L_.offset + i * n + i] = 0.5 * std::log(initial_rate(options_, i, n));
  if (weight_count() > 0) random_entries(M_);
  if (network_) network_->initialise(seed, theta);
}

/// Entry (i, j) of M_0, j <= i.
template <class Real>
double DissipativeForm<Real>::lower(std::span<const double> theta, std::size_t i, std::size_t j) const {
  const double* const row = &theta[L_.offset + i * this->fast()];
  return std::exp(row[i]) * (i == j ? 1.0 : row[j]);
}

template <class Real>
void DissipativeForm<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  const std::size_t n = this->fast(), rank = options_.rank;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double* const row = &c[(i * n + j) * features_];
      for (std::size_t k = 0; k <= linear_features(); ++k) {
        const double* const G = &theta[K_.offset + k * n * n];
        row[k] = G[i * n + j] - G[j * n + i];
      }
      for (std::size_t k = 0; k <= std::min(i, j); ++k) row[0] -= lower(theta, i, k) * lower(theta, j, k);
      if (i == j) row[0] += options_.mu;
      for (std::size_t w = 0; w < weight_count(); ++w) {
        const double* const M = &theta[M_.offset + w * n * rank];
        double sum = 0.0;
        for (std::size_t k = 0; k < rank; ++k) sum += M[i * rank + k] * M[j * rank + k];
        row[1 + linear_features() + w] = -sum;
      }
    }
  if (network_) network_->assemble(theta, c.subspan(this->outputs() * features_));
}

template <class Real>
void DissipativeForm<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                         std::span<double> theta_bar) const {
  if (!options_.trainable) return;
  const std::size_t n = this->fast(), rank = options_.rank;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double* const row = &c_bar[(i * n + j) * features_];
      for (std::size_t k = 0; k <= linear_features(); ++k) {
        double* const G_bar = &theta_bar[K_.offset + k * n * n];
        G_bar[i * n + j] += row[k];
        G_bar[j * n + i] -= row[k];
      }
      const double both = row[0] + c_bar[(j * n + i) * features_];
      for (std::size_t k = 0; k <= std::min(i, j); ++k) {  // entry (i, k) of M_0 in products with row j
        const double bar = -both * lower(theta, j, k);
        double* const L_bar = &theta_bar[L_.offset + i * n];
        L_bar[i] += bar * lower(theta, i, k);
        if (k < i) L_bar[k] += bar * std::exp(theta[L_.offset + i * n + i]);
      }
      for (std::size_t w = 0; w < weight_count(); ++w) {
        const std::size_t at = 1 + linear_features() + w;
        const double sum = row[at] + c_bar[(j * n + i) * features_ + at];
        for (std::size_t k = 0; k < rank; ++k)
          theta_bar[M_.offset + (w * n + i) * rank + k] -= sum * theta[M_.offset + (w * n + j) * rank + k];
      }
    }
  if (network_) network_->assemble_vjp(theta, c_bar.subspan(this->outputs() * features_), theta_bar);
}

template <class Real>
void DissipativeForm<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                         std::span<double> c_dot) const {
  const std::size_t n = this->fast(), rank = options_.rank;
  const auto lower_dot = [&](std::size_t i, std::size_t k) {
    const double* const dot = &theta_dot[L_.offset + i * n];
    return lower(theta, i, k) * dot[i] + (k < i ? std::exp(theta[L_.offset + i * n + i]) * dot[k] : 0.0);
  };
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double* const row = &c_dot[(i * n + j) * features_];
      for (std::size_t k = 0; k <= linear_features(); ++k) {
        const double* const G_dot = &theta_dot[K_.offset + k * n * n];
        row[k] = G_dot[i * n + j] - G_dot[j * n + i];
      }
      for (std::size_t k = 0; k <= std::min(i, j); ++k)
        row[0] -= lower_dot(i, k) * lower(theta, j, k) + lower(theta, i, k) * lower_dot(j, k);
      for (std::size_t w = 0; w < weight_count(); ++w) {
        const double *const M = &theta[M_.offset + w * n * rank], *const dot =
                                                                      &theta_dot[M_.offset + w * n * rank];
        double sum = 0.0;
        for (std::size_t k = 0; k < rank; ++k)
          sum += dot[i * rank + k] * M[j * rank + k] + M[i * rank + k] * dot[j * rank + k];
        row[1 + linear_features() + w] = -sum;
      }
    }
  if (network_) network_->assemble_jvp(theta, theta_dot, c_dot.subspan(this->outputs() * features_));
}

template <class Real>
void DissipativeForm<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const MatrixView<Real> f = rows_of(value.tape, 0, features_);
  fill(space, 1.0, rows_of(f, 0, 1));
  if (linear_features() > 0) scaled_copy(space, 1.0, value.x.u, linear_rows(f));
  if (weights_ == Dependence::hats) hats<Real>(space, {low_, high_}, value.x.u, weight_rows(f));
  if (network_) {
    fill(space, 0.0, weight_rows(f));
    network_->apply(space, {network_part(value.coefficients), value.x, weight_rows(f), inner(value.tape)},
                    scratch);
  }
  gemm(space, 1.0, matrix(value.coefficients), Transpose::no, ConstMatrixView<Real>(f), 1.0, value.y);
}

template <class Real>
void DissipativeForm<Real>::add_matrix_bar(const ExecSpace& space, ConstMatrixView<Real> y_bar,
                                           ConstMatrixView<Real> features,
                                           VectorView<Real> coefficients_bar) const {
  if (coefficients_bar.extent(0) == 0) return;
  gemm_nt(space, 1.0, y_bar, features, MatrixView<Real>(coefficients_bar.data(), this->outputs(), features_));
}

template <class Real>
void DissipativeForm<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> f_bar = scratch.matrix(features_, reverse.x.lanes());
  add_matrix_bar(space, reverse.y_bar, rows_of(reverse.tape, 0, features_), reverse.coefficients_bar);
  gemm(space, 1.0, matrix(reverse.coefficients), Transpose::yes, reverse.y_bar, 0.0, f_bar);
  if (linear_features() > 0) axpy(space, 1.0, linear_rows(f_bar), reverse.x_bar.u);
  if (weights_ == Dependence::hats)
    add_hats_vjp<Real>(space, {low_, high_}, reverse.x.u, weight_rows(f_bar), reverse.x_bar.u);
  if (network_)
    network_->apply_vjp(space,
                        {network_part(reverse.coefficients), reverse.x, inner(reverse.tape),
                         weight_rows(f_bar), reverse.x_bar, network_part(reverse.coefficients_bar)},
                        scratch);
}

template <class Real>
MatrixView<Real> DissipativeForm<Real>::features_dot(const ExecSpace& space, const Tangent& tangent,
                                                     Scratch<Real>& scratch) const {
  const MatrixView<Real> dot = scratch.matrix(features_, tangent.x.lanes());
  fill(space, 0.0, dot);
  if (linear_features() > 0) scaled_copy(space, 1.0, tangent.x_dot.u, linear_rows(dot));
  if (weights_ == Dependence::hats)
    hats_jvp<Real>(space, {low_, high_}, tangent.x.u, tangent.x_dot.u, weight_rows(dot));
  if (network_)
    network_->apply_jvp(space,
                        {network_part(tangent.coefficients), network_part(tangent.coefficients_dot),
                         tangent.x, tangent.x_dot, inner(tangent.tape), weight_rows(dot)},
                        scratch);
  return dot;
}

template <class Real>
void DissipativeForm<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> dot = features_dot(space, tangent, scratch);
  gemm(space, 1.0, matrix(tangent.coefficients), Transpose::no, dot, 1.0, tangent.y_dot);
  if (tangent.coefficients_dot.extent(0) > 0)
    gemm(space, 1.0, matrix(tangent.coefficients_dot), Transpose::no, rows_of(tangent.tape, 0, features_),
         1.0, tangent.y_dot);
}

// y_dot = W f_dot; the second derivatives of hats are zero.
template <class Real>
void DissipativeForm<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                          Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> dot =
      features_dot(space, {reverse.coefficients, {}, reverse.x, reverse.x_dot, reverse.tape, {}}, scratch);
  const MatrixView<Real> dot_bar = scratch.matrix(features_, reverse.x.lanes());
  add_matrix_bar(space, reverse.y_dot_bar, dot, reverse.coefficients_bar);
  gemm(space, 1.0, matrix(reverse.coefficients), Transpose::yes, reverse.y_dot_bar, 0.0, dot_bar);
  if (linear_features() > 0) axpy(space, 1.0, linear_rows(dot_bar), reverse.x_dot_bar.u);
  if (weights_ == Dependence::hats)
    add_hats_vjp<Real>(space, {low_, high_}, reverse.x.u, weight_rows(dot_bar), reverse.x_dot_bar.u);
  if (network_)
    network_->apply_jvp_vjp(
        space,
        {network_part(reverse.coefficients), reverse.x, reverse.x_dot, inner(reverse.tape),
         weight_rows(dot_bar), reverse.x_bar, reverse.x_dot_bar, network_part(reverse.coefficients_bar)},
        scratch);
}

template <class Real>
void DissipativeForm<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                          Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> dot =
      features_dot(space, {tangent.coefficients, {}, tangent.x, tangent.x_dot, tangent.tape, {}}, scratch);
  gemm(space, 1.0, matrix(tangent.coefficients_dot), Transpose::no, dot, 1.0, tangent.y_dot_dot);
  if (!network_) return;
  const MatrixView<Real> both = scratch.matrix(features_, tangent.x.lanes());
  fill(space, 0.0, both);
  network_->apply_jvp_jvp(space,
                          {network_part(tangent.coefficients), network_part(tangent.coefficients_dot),
                           tangent.x, tangent.x_dot, inner(tangent.tape), weight_rows(both)},
                          scratch);
  gemm(space, 1.0, matrix(tangent.coefficients), Transpose::no, ConstMatrixView<Real>(both), 1.0,
       tangent.y_dot_dot);
}

template class DissipativeForm<double>;
template class DissipativeForm<float>;

}  // namespace spnode::core
