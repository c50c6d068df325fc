#include "core/components/invariants.hpp"

#include "core/kernels/gemm.hpp"
#include "core/matrix_functions/decompositions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spnode::core {

Invariants::Invariants(std::size_t count, std::size_t dimension)
    : count_(count),
      n_(dimension),
      Q_{"invariants/Q",
         {count, dimension},
         "orthonormal rows: Q u is kept",
         ParameterGroup::dynamics,
         true} {}

void Invariants::declare(ParameterLayout& layout) { Q_.offset = layout.add(Q_); }

void Invariants::set(std::span<const double> weights, std::span<const double> lengths,
                     std::span<double> theta) const {
  constexpr double rounding = 1e-10;
  const std::span<double> Q = theta.subspan(Q_.offset, Q_.size());
  const auto row = [&](std::size_t k) { return Q.subspan(k * n_, n_); };
  const auto product = [](std::span<const double> a, std::span<const double> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  std::ranges::copy(weights, Q.begin());
  for (std::size_t k = 0; k < count_; ++k) {
    // Gram and Schmidt, twice, so that rows are orthogonal to rounding.
    for (int sweep = 0; sweep < 2; ++sweep)
      for (std::size_t before = 0; before < k; ++before)
        add_scaled(-product(row(before), row(k)), row(before), row(k));
    const double length = std::sqrt(product(row(k), row(k)));
    const bool vanishes = !(length > rounding * lengths[k]);
    for (double& entry : row(k)) entry = vanishes ? 0.0 : entry / length;
  }
}

void Invariants::project_left(std::span<const double> theta, std::span<double> A) const {
  std::vector<double> QA(count_ * n_);
  multiply(1.0, operand(theta), square(std::span<const double>(A), n_), 0.0, {QA.data(), count_, n_});
  multiply(-1.0, transposed(operand(theta)), HostOperand(QA.data(), count_, n_), 1.0, square(A, n_));
}

void Invariants::project_both(std::span<const double> theta, std::span<double> A) const {
  project_left(theta, A);
  std::vector<double> AQ(n_ * count_);
  multiply(1.0, square(std::span<const double>(A), n_), transposed(operand(theta)), 0.0,
           {AQ.data(), n_, count_});
  multiply(-1.0, HostOperand(AQ.data(), n_, count_), operand(theta), 1.0, square(A, n_));
}

Invariants::Basis Invariants::basis(std::span<const double> theta) const {
  // P has the eigenvalues 0 and 1.
  std::vector<double> P(n_ * n_, 0.0);
  add_to_diagonal(square(std::span(P), n_), 1.0);
  project_left(theta, P);
  const std::vector<double> values = symmetric_eigen(square(std::span(P), n_));
  const auto first = std::ranges::find_if(values, [](double value) { return value > 0.5; });
  return {std::move(P), std::size_t(first - values.begin())};
}

// In the basis P A is [[0, 0], [B, C]]: C has the eigenvalues that are not those of invariants.
void Invariants::limit_real_parts(std::span<const double> theta, std::span<double> A, double most) const {
  const Basis E = basis(theta);
  const std::size_t n = n_ - E.kept;
  const HostOperand V(E.vectors.data() + E.kept * n_, n, n_);
  project_left(theta, A);
  std::vector<double> VA(n * n_), C(n * n), change(n * n_);
  multiply(1.0, V, square(std::span<const double>(A), n_), 0.0, {VA.data(), n, n_});
  multiply(1.0, HostOperand(VA.data(), n, n_), transposed(V), 0.0, square(std::span(C), n));
  std::vector<double> moved = C;
  core::limit_real_parts(moved, most);
  add_scaled(-1.0, C, moved);
  multiply(1.0, square(std::span<const double>(moved), n), V, 0.0, {change.data(), n, n_});
  multiply(1.0, transposed(V), HostOperand(change.data(), n, n_), 1.0, square(A, n_));
}

template <class Real>
void Invariants::project(const ExecSpace& space, const ConstVectorView<Real>& Q, const MatrixView<Real>& Y,
                         Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> rows(Q.data(), count_, n_);
  const MatrixView<Real> QY = scratch.matrix(count_, Y.extent(1));
  gemm<Real>(space, 1.0, rows, Transpose::no, ConstMatrixView<Real>(Y), 0.0, QY);
  gemm<Real>(space, -1.0, rows, Transpose::yes, ConstMatrixView<Real>(QY), 1.0, Y);
}

template void Invariants::project(const ExecSpace&, const ConstVectorView<double>&, const MatrixView<double>&,
                                  Scratch<double>&) const;
template void Invariants::project(const ExecSpace&, const ConstVectorView<float>&, const MatrixView<float>&,
                                  Scratch<float>&) const;

}  // namespace spnode::core
