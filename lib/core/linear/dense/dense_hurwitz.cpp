#include "core/linear/dense/dense_hurwitz.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace spnode::core {

DenseHurwitz::DenseHurwitz(std::size_t dimension, HurwitzOptions options,
                           std::shared_ptr<const Invariants> invariants,
                           std::shared_ptr<const Symmetries> symmetries)
    : n_(dimension),
      options_(options),
      invariants_(std::move(invariants)),
      symmetries_(std::move(symmetries)) {}

void DenseHurwitz::declare(ParameterLayout& layout) {
  const std::size_t lower = n_ * (n_ + 1) / 2, strict = n_ * (n_ - 1) / 2;
  const bool frozen = !options_.trainable;
  L_S_ = {"linear/L_S", {lower}, "packed factor of S = L_S L_S^T", ParameterGroup::dynamics, frozen};
  L_G_ = {"linear/L_G", {lower}, "packed factor of G_s = -L_G L_G^T", ParameterGroup::dynamics, frozen};
  K_ = {"linear/K", {strict}, "packed strict triangle of G_u = K - K^T", ParameterGroup::dynamics, frozen};
  for (ParameterBlock* block : {&L_S_, &L_G_, &K_}) block->offset = layout.add(*block);
}

void DenseHurwitz::initialise(std::uint64_t seed, std::span<double> theta) const {
  const auto random_entries = [&](const ParameterBlock& block) {
    const Random random(seed, block.name);
    const auto values = block_of(theta, block);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = options_.noise / std::sqrt(double(n_)) * random.normal(i);
    return values;
  };
  const auto L_S = random_entries(L_S_), L_G = random_entries(L_G_);
  random_entries(K_);
  // S near the identity, -G_s near the diagonal of the wanted decay rates.
  for (std::size_t i = 0; i < n_; ++i) {
    const std::size_t diagonal = i * (i + 1) / 2 + i;
    L_S[diagonal] = 0.0;
    L_G[diagonal] = 0.5 * std::log(initial_rate(options_, i, n_));
  }
}

// G_s by its factor, whose rows have the diagonal entries as their scales.
void DenseHurwitz::scale_value(double factor, std::span<double> theta) const {
  const auto L_G = block_of(theta, L_G_);
  for (std::size_t i = 0; i < n_; ++i) L_G[i * (i + 1) / 2 + i] += 0.5 * std::log(factor);
  scale_block(factor, theta, K_);
}

DenseHurwitz::Square DenseHurwitz::factor(std::span<const double> packed) const {
  Square L(n_ * n_, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    const double* const row = packed.data() + i * (i + 1) / 2;
    const double scale = std::exp(row[i]);
    for (std::size_t j = 0; j < i; ++j) L[i * n_ + j] = scale * row[j];
    L[i * n_ + i] = scale;
  }
  return L;
}

DenseHurwitz::Square DenseHurwitz::factor_jvp(std::span<const double> packed,
                                              std::span<const double> packed_dot) const {
  Square L_dot(n_ * n_, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    const double *const row = packed.data() + i * (i + 1) / 2, *const dot =
                                                                   packed_dot.data() + i * (i + 1) / 2;
    const double scale = std::exp(row[i]);
    for (std::size_t j = 0; j < i; ++j) L_dot[i * n_ + j] = scale * (dot[j] + row[j] * dot[i]);
    L_dot[i * n_ + i] = scale * dot[i];
  }
  return L_dot;
}

void DenseHurwitz::factor_vjp(std::span<const double> packed, const Square& L_bar,
                              std::span<double> packed_bar) const {
  for (std::size_t i = 0; i < n_; ++i) {
    const double* const row = packed.data() + i * (i + 1) / 2;
    double* const bar = packed_bar.data() + i * (i + 1) / 2;
    const double scale = std::exp(row[i]);
    double inner = L_bar[i * n_ + i];
    for (std::size_t j = 0; j < i; ++j) {
      bar[j] += scale * L_bar[i * n_ + j];
      inner += row[j] * L_bar[i * n_ + j];
    }
    bar[i] += scale * inner;
  }
}

DenseHurwitz::Square DenseHurwitz::gram(double sign, const Square& L) const {
  Square G(n_ * n_);
  const HostOperand factor = square(std::span<const double>(L), n_);
  multiply(sign, factor, transposed(factor), 0.0, square(std::span(G), n_));
  return G;
}

DenseHurwitz::Square DenseHurwitz::product_S(const Square& L) const {
  Square S = gram(1.0, L);
  if (symmetries_) symmetries_->average(S);
  return S;
}

void DenseHurwitz::complete(std::span<const double> theta, std::span<const double> packed, Square& G) const {
  for (std::size_t i = 1; i < n_; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double entry = packed[i * (i - 1) / 2 + j];
      G[i * n_ + j] += entry;
      G[j * n_ + i] -= entry;
    }
  if (symmetries_) symmetries_->average(G);
  if (invariants_) invariants_->project_both(theta, G);
}

void DenseHurwitz::add_bound(std::span<const double> theta, std::span<double> A) const {
  if (!invariants_) return add_to_diagonal(square(A, n_), options_.mu);
  Square P(n_ * n_, 0.0);
  add_to_diagonal(square(std::span(P), n_), options_.mu);
  invariants_->project_left(theta, P);
  add_scaled(1.0, P, A);
}

void DenseHurwitz::assemble(std::span<const double> theta, std::span<double> A) const {
  const Square S = product_S(factor(block_of(theta, L_S_)));
  Square G = gram(-1.0, factor(block_of(theta, L_G_)));
  complete(theta, block_of(theta, K_), G);
  multiply(1.0, square(std::span<const double>(G), n_), square(std::span<const double>(S), n_), 0.0,
           square(A, n_));
  add_bound(theta, A);
}

void DenseHurwitz::assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                                std::span<double> theta_bar) const {
  if (!options_.trainable) return;
  const auto packed_S = block_of(theta, L_S_), packed_G = block_of(theta, L_G_);
  const Square L_S = factor(packed_S), L_G = factor(packed_G), S = product_S(L_S);
  Square G = gram(-1.0, L_G);
  complete(theta, block_of(theta, K_), G);
  const auto view = [&](const Square& X) { return square(std::span<const double>(X), n_); };

  // A = G S with S symmetric: G_bar = A_bar S, S_bar = G^T A_bar; G = P R(G_s + G_u) P, and R is its own
  // transpose.
  Square G_bar(n_ * n_), S_bar(n_ * n_), L_bar(n_ * n_);
  multiply(1.0, square(A_bar, n_), view(S), 0.0, square(std::span(G_bar), n_));
  multiply(1.0, transposed(view(G)), square(A_bar, n_), 0.0, square(std::span(S_bar), n_));
  if (invariants_) invariants_->project_both(theta, G_bar);
  if (symmetries_) {
    symmetries_->average(G_bar);
    symmetries_->average(S_bar);
  }

  multiply(1.0, view(S_bar), view(L_S), 0.0, square(std::span(L_bar), n_));
  multiply(1.0, transposed(view(S_bar)), view(L_S), 1.0, square(std::span(L_bar), n_));
  factor_vjp(packed_S, L_bar, block_of(theta_bar, L_S_));
  multiply(-1.0, view(G_bar), view(L_G), 0.0, square(std::span(L_bar), n_));
  multiply(-1.0, transposed(view(G_bar)), view(L_G), 1.0, square(std::span(L_bar), n_));
  factor_vjp(packed_G, L_bar, block_of(theta_bar, L_G_));

  const auto K_bar = block_of(theta_bar, K_);
  for (std::size_t i = 1; i < n_; ++i)
    for (std::size_t j = 0; j < i; ++j) K_bar[i * (i - 1) / 2 + j] += G_bar[i * n_ + j] - G_bar[j * n_ + i];
}

void DenseHurwitz::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                std::span<double> A_dot) const {
  const auto packed_S = block_of(theta, L_S_), packed_G = block_of(theta, L_G_);
  const Square L_S = factor(packed_S), L_G = factor(packed_G), S = product_S(L_S);
  const Square L_S_dot = factor_jvp(packed_S, block_of(theta_dot, L_S_));
  const Square L_G_dot = factor_jvp(packed_G, block_of(theta_dot, L_G_));
  Square G = gram(-1.0, L_G);
  complete(theta, block_of(theta, K_), G);
  const auto view = [&](const Square& X) { return square(std::span<const double>(X), n_); };

  Square S_dot(n_ * n_), G_dot(n_ * n_);
  multiply(1.0, view(L_S_dot), transposed(view(L_S)), 0.0, square(std::span(S_dot), n_));
  multiply(1.0, view(L_S), transposed(view(L_S_dot)), 1.0, square(std::span(S_dot), n_));
  if (symmetries_) symmetries_->average(S_dot);
  multiply(-1.0, view(L_G_dot), transposed(view(L_G)), 0.0, square(std::span(G_dot), n_));
  multiply(-1.0, view(L_G), transposed(view(L_G_dot)), 1.0, square(std::span(G_dot), n_));
  complete(theta, block_of(theta_dot, K_), G_dot);
  multiply(1.0, view(G_dot), view(S), 0.0, square(A_dot, n_));
  multiply(1.0, view(G), view(S_dot), 1.0, square(A_dot, n_));
}

}  // namespace spnode::core
