#include "core/linear/low_rank/low_rank_hurwitz.hpp"

#include "core/support/random.hpp"

#include <cmath>

namespace spnode::core {

void LowRankHurwitz::declare(ParameterLayout& layout) {
  const bool frozen = !options_.trainable;
  delta_ = {
      "linear/delta", {n_}, "logarithms of the rows' decay rates below mu", ParameterGroup::dynamics, frozen};
  const char* const meanings[] = {"factor of the symmetric part -U U^T",
                                  "factor of the skew part V W^T - W V^T",
                                  "factor of the skew part V W^T - W V^T"};
  const char* const names[] = {"linear/U", "linear/V", "linear/W"};
  delta_.offset = layout.add(delta_);
  for (std::size_t f = 0; f < 3; ++f) {
    factors_[f] = {names[f], {n_, options_.rank}, meanings[f], ParameterGroup::dynamics, frozen};
    factors_[f].offset = layout.add(factors_[f]);
  }
}

void LowRankHurwitz::initialise(std::uint64_t seed, std::span<double> theta) const {
  const auto delta = block_of(theta, delta_);
  for (std::size_t i = 0; i < n_; ++i) delta[i] = std::log(initial_rate(options_, i, n_));
  // Products of two columns are then of the size of the noise beside the identity.
  const double scale = std::sqrt(options_.noise / double(n_));
  for (const ParameterBlock& factor : factors_) {
    const Random random(seed, factor.name);
    const auto values = block_of(theta, factor);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = scale * random.normal(i);
  }
}

// The factors' rows have the roots of exp(delta) as their scales.
void LowRankHurwitz::scale_value(double factor, std::span<double> theta) const {
  for (double& delta : block_of(theta, delta_)) delta += std::log(factor);
}

template <class Visit>
void LowRankHurwitz::for_each_entry(Visit visit) const {
  const std::size_t r = options_.rank;
  for (std::size_t f = 0; f < 3; ++f)
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t k = 0; k < r; ++k)
        visit(i, n_ + i * 3 * r + f * r + k, factors_[f].offset + i * r + k);
}

void LowRankHurwitz::assemble(std::span<const double> theta, std::span<double> A) const {
  const auto delta = block_of(theta, delta_);
  for (std::size_t i = 0; i < n_; ++i) A[i] = options_.mu - std::exp(delta[i]);
  for_each_entry([&](std::size_t i, std::size_t to, std::size_t from) {
    A[to] = std::exp(0.5 * delta[i]) * theta[from];
  });
}

void LowRankHurwitz::assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                                  std::span<double> theta_bar) const {
  if (!options_.trainable) return;
  const auto delta = block_of(theta, delta_);
  const auto delta_bar = block_of(theta_bar, delta_);
  for (std::size_t i = 0; i < n_; ++i) delta_bar[i] -= std::exp(delta[i]) * A_bar[i];
  for_each_entry([&](std::size_t i, std::size_t at, std::size_t parameter) {
    const double scaled = std::exp(0.5 * delta[i]) * A_bar[at];
    theta_bar[parameter] += scaled;
    delta_bar[i] += 0.5 * theta[parameter] * scaled;
  });
}

void LowRankHurwitz::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                  std::span<double> A_dot) const {
  const auto delta = block_of(theta, delta_), delta_dot = block_of(theta_dot, delta_);
  for (std::size_t i = 0; i < n_; ++i) A_dot[i] = -std::exp(delta[i]) * delta_dot[i];
  for_each_entry([&](std::size_t i, std::size_t to, std::size_t from) {
    A_dot[to] = std::exp(0.5 * delta[i]) * (theta_dot[from] + 0.5 * delta_dot[i] * theta[from]);
  });
}

}  // namespace spnode::core
