#include "core/linear/block_diagonal/block_hurwitz.hpp"

#include "core/support/random.hpp"

#include <cmath>

namespace spnode::core {
namespace {

/// The numbers of one block, and how (s, c) depend on (a, b, p, q).
struct Pair {
  Pair(double alpha, double frequency, const double* shear)
      : a(std::exp(alpha)),
        b(frequency),
        radius(std::hypot(a, b)),
        T(std::sqrt(1.0 + shear[0] * shear[0] + shear[1] * shear[1])),
        p(shear[0] / T),
        q(shear[1] / T) {}

  double s() const { return radius * p; }
  double c() const { return radius * q; }

  double a, b, radius, T;
  double p, q;  ///< divided by T
};

}  // namespace

void BlockHurwitz::declare(ParameterLayout& layout) {
  const std::size_t pairs = n_ / 2;
  const bool frozen = !options_.trainable;
  alpha_ = {"linear/alpha",
            {n_ - pairs},
            "logarithms of the pairs' mean decay rates below mu",
            ParameterGroup::dynamics,
            frozen};
  b_ = {"linear/b", {pairs}, "skew parts of the blocks, 1/time", ParameterGroup::dynamics, frozen};
  shear_ = {"linear/shear",
            {pairs, 2},
            "(p, q): trace-free symmetric parts of the blocks",
            ParameterGroup::dynamics,
            frozen};
  for (ParameterBlock* block : {&alpha_, &b_, &shear_}) block->offset = layout.add(*block);
}

void BlockHurwitz::initialise(std::uint64_t seed, std::span<double> theta) const {
  const auto alpha = block_of(theta, alpha_), b = block_of(theta, b_), shear = block_of(theta, shear_);
  const Random skew(seed, b_.name), off(seed, shear_.name);
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double slow = initial_rate(options_, 2 * i, n_), fast = initial_rate(options_, 2 * i + 1, n_);
    const double a = 0.5 * (slow + fast), s = 0.5 * (slow - fast);
    alpha[i] = std::log(a);
    b[i] = options_.noise * a * skew.normal(i);
    shear[2 * i] = s / std::sqrt(slow * fast);  // s / a = p / sqrt(1 + p^2)
    shear[2 * i + 1] = options_.noise * off.normal(i);
  }
  if (n_ % 2 == 1) alpha.back() = std::log(initial_rate(options_, n_ - 1, n_));
}

void BlockHurwitz::scale_value(double factor, std::span<double> theta) const {
  for (double& alpha : block_of(theta, alpha_)) alpha += std::log(factor);
  scale_block(factor, theta, b_);
}

void BlockHurwitz::assemble(std::span<const double> theta, std::span<double> A) const {
  const auto alpha = block_of(theta, alpha_), b = block_of(theta, b_), shear = block_of(theta, shear_);
  for (std::size_t i = 0; i < b.size(); ++i) {
    const Pair pair(alpha[i], b[i], &shear[2 * i]);
    double* const B = &A[4 * i];
    B[0] = options_.mu - pair.a - pair.s();
    B[1] = pair.c() - pair.b;
    B[2] = pair.c() + pair.b;
    B[3] = options_.mu - pair.a + pair.s();
  }
  if (n_ % 2 == 1) A.back() = options_.mu - std::exp(alpha.back());
}

void BlockHurwitz::assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                                std::span<double> theta_bar) const {
  if (!options_.trainable) return;
  const auto alpha = block_of(theta, alpha_), b = block_of(theta, b_), shear = block_of(theta, shear_);
  const auto alpha_bar = block_of(theta_bar, alpha_), b_bar = block_of(theta_bar, b_),
             shear_bar = block_of(theta_bar, shear_);
  for (std::size_t i = 0; i < b.size(); ++i) {
    const Pair pair(alpha[i], b[i], &shear[2 * i]);
    const double* const B_bar = &A_bar[4 * i];
    const double s_bar = B_bar[3] - B_bar[0], c_bar = B_bar[1] + B_bar[2];
    const double radius_bar = s_bar * pair.p + c_bar * pair.q;
    alpha_bar[i] += pair.a * (-B_bar[0] - B_bar[3] + radius_bar * pair.a / pair.radius);
    b_bar[i] += B_bar[2] - B_bar[1] + radius_bar * pair.b / pair.radius;
    // d (p / T) = (dp - p_T (p_T dp + q_T dq)) / T with p_T = p / T, q_T = q / T
    const double scale = pair.radius / pair.T;
    shear_bar[2 * i] += scale * (s_bar - pair.p * radius_bar);
    shear_bar[2 * i + 1] += scale * (c_bar - pair.q * radius_bar);
  }
  if (n_ % 2 == 1) alpha_bar.back() -= std::exp(alpha.back()) * A_bar.back();
}

void BlockHurwitz::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                std::span<double> A_dot) const {
  const auto alpha = block_of(theta, alpha_), b = block_of(theta, b_), shear = block_of(theta, shear_);
  const auto alpha_dot = block_of(theta_dot, alpha_), b_dot = block_of(theta_dot, b_),
             shear_dot = block_of(theta_dot, shear_);
  for (std::size_t i = 0; i < b.size(); ++i) {
    const Pair pair(alpha[i], b[i], &shear[2 * i]);
    const double a_dot = pair.a * alpha_dot[i];
    const double radius_dot = (pair.a * a_dot + pair.b * b_dot[i]) / pair.radius;
    const double along = pair.p * shear_dot[2 * i] + pair.q * shear_dot[2 * i + 1],
                 scale = pair.radius / pair.T;
    const double s_dot = radius_dot * pair.p + scale * (shear_dot[2 * i] - pair.p * along);
    const double c_dot = radius_dot * pair.q + scale * (shear_dot[2 * i + 1] - pair.q * along);
    double* const B_dot = &A_dot[4 * i];
    B_dot[0] = -a_dot - s_dot;
    B_dot[1] = c_dot - b_dot[i];
    B_dot[2] = c_dot + b_dot[i];
    B_dot[3] = -a_dot + s_dot;
  }
  if (n_ % 2 == 1) A_dot.back() = -std::exp(alpha.back()) * alpha_dot.back();
}

}  // namespace spnode::core
