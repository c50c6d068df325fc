#include "core/model/bilinear.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/random.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

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

// C, D and b stand one after the other both in theta and in kappa.
template <class Real>
void Bilinear<Real>::realise(std::span<const double> theta, std::span<double> kappa) const {
  std::ranges::copy(theta.subspan(C_.offset, kappa.size()), kappa.begin());
}

template <class Real>
void Bilinear<Real>::realise_vjp(std::span<const double>, std::span<const double> kappa_bar,
                                 std::span<double> theta_bar) const {
  for (std::size_t i = 0; i < kappa_bar.size(); ++i) theta_bar[C_.offset + i] += kappa_bar[i];
}

template <class Real>
void Bilinear<Real>::realise_jvp(std::span<const double>, std::span<const double> theta_dot,
                                 std::span<double> kappa_dot) const {
  std::ranges::copy(theta_dot.subspan(C_.offset, kappa_dot.size()), kappa_dot.begin());
}

template <class Real>
ConstMatrixView<Real> Bilinear<Real>::factors(const ConstVectorView<Real>& kappa) const {
  return ConstMatrixView<Real>(kappa.data(), 2 * pairs(), n_);
}

template <class Real>
void Bilinear<Real>::apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x,
                           MatrixView<Real> y, MatrixView<Real>, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = n_, R = options_.rank, half = pairs(), lanes = x.extent(1);
  const MatrixView<Real> products = scratch.matrix(2 * half, lanes);
  gemm(space, 1.0, factors(kappa), Transpose::no, x, 0.0, products);
  const ConstVectorView<Real> b(kappa.data() + 2 * half * n, n);
  Kokkos::parallel_for(
      "spnode::core::Bilinear::apply", Kokkos::RangePolicy<ExecSpace>(space, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) {
        Real* const to = &y(i, 0);
        for (std::size_t l = 0; l < lanes; ++l) to[l] += b(i);
        for (std::size_t r = 0; r < R; ++r) {
          const Real* const left = &products(r * n + i, 0);
          const Real* const right = &products(half + r * n + i, 0);
          for (std::size_t l = 0; l < lanes; ++l) to[l] += left[l] * right[l];
        }
      });
}

template <class Real>
void Bilinear<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = n_, half = pairs(), lanes = reverse.x.extent(1);
  const MatrixView<Real> products = scratch.matrix(2 * half, lanes);
  gemm(space, 1.0, factors(reverse.kappa), Transpose::no, reverse.x, 0.0, products);
  const ConstMatrixView<Real> y_bar = reverse.y_bar;
  // The adjoint of a product's left factor is y_bar times its right factor, and the other way round.
  Kokkos::parallel_for(
      "spnode::core::Bilinear::apply_vjp", Kokkos::RangePolicy<ExecSpace>(space, 0, half),
      KOKKOS_LAMBDA(const std::size_t pair) {
        const Real* const bar = &y_bar(pair % n, 0);
        Real* const left = &products(pair, 0);
        Real* const right = &products(half + pair, 0);
        for (std::size_t l = 0; l < lanes; ++l) {
          const Real value = left[l];
          left[l] = bar[l] * right[l];
          right[l] = bar[l] * value;
        }
      });
  gemm(space, 1.0, factors(reverse.kappa), Transpose::yes, products, 1.0, reverse.x_bar);
  if (reverse.kappa_bar.extent(0) == 0) return;
  gemm_nt(space, 1.0, products, reverse.x, MatrixView<Real>(reverse.kappa_bar.data(), 2 * half, n));
  add_row_sums(space, y_bar, VectorView<Real>(reverse.kappa_bar.data() + 2 * half * n, n));
}

template <class Real>
void Bilinear<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = n_, R = options_.rank, half = pairs(), lanes = tangent.x.extent(1);
  const MatrixView<Real> products = scratch.matrix(2 * half, lanes), dots = scratch.matrix(2 * half, lanes);
  gemm(space, 1.0, factors(tangent.kappa), Transpose::no, tangent.x, 0.0, products);
  gemm(space, 1.0, factors(tangent.kappa), Transpose::no, tangent.x_dot, 0.0, dots);
  gemm(space, 1.0, factors(tangent.kappa_dot), Transpose::no, tangent.x, 1.0, dots);
  const ConstVectorView<Real> b_dot(tangent.kappa_dot.data() + 2 * half * n, n);
  const MatrixView<Real> y_dot = tangent.y_dot;
  Kokkos::parallel_for(
      "spnode::core::Bilinear::apply_jvp", Kokkos::RangePolicy<ExecSpace>(space, 0, n * lanes),
      KOKKOS_LAMBDA(const std::size_t entry) {
        const std::size_t i = entry / lanes, l = entry % lanes;
        Real sum = b_dot(i);
        for (std::size_t r = 0; r < R; ++r) {
          const std::size_t left = r * n + i, right = half + left;
          sum += dots(left, l) * products(right, l) + products(left, l) * dots(right, l);
        }
        y_dot(i, l) += sum;
      });
}

template class Bilinear<double>;
template class Bilinear<float>;

}  // namespace spnode::core
