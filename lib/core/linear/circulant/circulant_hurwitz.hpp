#pragma once

#include "core/linear/hurwitz.hpp"
#include "core/support/option.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {

/// A_L that commutes with all shifts of a periodic field, on its Fourier modes
/// (components/fourier_modes.hpp): a circulant matrix in block-diagonal form. Each pair of modes has the
/// block
///
///   B = [ mu - a, -b     ]     a = exp(alpha),
///       [ b,      mu - a ]
///
/// with the eigenvalues mu - a +- i b, and the mean has the number mu - a, so that every real part is below
/// mu. A is normal: the numerical abscissa is the spectral one.
///
/// Blocks: alpha (n / 2 rounded up), b (n / 2).
class CirculantHurwitz final : public HurwitzOperator {
 public:
  /// Raises OptionError where the dimension is even: there is a pair for each wave number, and the mean.
  CirculantHurwitz(std::size_t dimension, const HurwitzOptions& options) : n_(dimension), options_(options) {
    require_option(n_ % 2 == 1, {"linear.structure", "latent_dimension"},
                   "is circulant, which needs an odd number of Fourier modes; found " + std::to_string(n_));
  }

  LinearShape shape() const override { return {LinearStructure::block_diagonal, n_}; }
  double bound() const override { return options_.mu; }

  void declare(ParameterLayout& layout) override {
    const bool frozen = !options_.trainable;
    alpha_ = {"linear/alpha",
              {n_ - n_ / 2},
              "logarithms of the decay rates below mu of the wave numbers 1, 2, ... and of the mean",
              ParameterGroup::dynamics,
              frozen};
    b_ = {"linear/b",
          {n_ / 2},
          "frequencies of the wave numbers 1, 2, ..., 1/time",
          ParameterGroup::dynamics,
          frozen};
    for (ParameterBlock* block : {&alpha_, &b_}) block->offset = layout.add(*block);
  }

  /// Long waves decay slowly.
  void initialise(std::uint64_t seed, std::span<double> theta) const override {
    const auto alpha = block_of(theta, alpha_), b = block_of(theta, b_);
    const Random random(seed, b_.name);
    for (std::size_t k = 0; k < b.size(); ++k) {
      const double rate = initial_rate(options_, k, b.size());
      alpha[k] = std::log(rate);
      b[k] = options_.noise * rate * random.normal(k);
    }
    alpha.back() = std::log(options_.slowest_rate());
  }

  void scale_value(double factor, std::span<double> theta) const override {
    for (double& alpha : block_of(theta, alpha_)) alpha += std::log(factor);
    scale_block(factor, theta, b_);
  }

  void assemble(std::span<const double> theta, std::span<double> A) const override {
    const auto alpha = block_of(theta, alpha_), b = block_of(theta, b_);
    for (std::size_t k = 0; k < b.size(); ++k)
      write(options_.mu - std::exp(alpha[k]), b[k], A.subspan(4 * k, 4));
    A.back() = options_.mu - std::exp(alpha.back());
  }

  void assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                    std::span<double> theta_bar) const override {
    if (!options_.trainable) return;
    const auto alpha = block_of(theta, alpha_);
    const auto alpha_bar = block_of(theta_bar, alpha_), b_bar = block_of(theta_bar, b_);
    for (std::size_t k = 0; k < b_bar.size(); ++k) {
      const auto B_bar = A_bar.subspan(4 * k, 4);
      alpha_bar[k] -= std::exp(alpha[k]) * (B_bar[0] + B_bar[3]);
      b_bar[k] += B_bar[2] - B_bar[1];
    }
    alpha_bar.back() -= std::exp(alpha.back()) * A_bar.back();
  }

  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> A_dot) const override {
    const auto alpha = block_of(theta, alpha_), alpha_dot = block_of(theta_dot, alpha_),
               b_dot = block_of(theta_dot, b_);
    for (std::size_t k = 0; k < b_dot.size(); ++k)
      write(-std::exp(alpha[k]) * alpha_dot[k], b_dot[k], A_dot.subspan(4 * k, 4));
    A_dot.back() = -std::exp(alpha.back()) * alpha_dot.back();
  }

 private:
  static void write(double diagonal, double skew, std::span<double> block) {
    block[0] = block[3] = diagonal;
    block[1] = -skew;
    block[2] = skew;
  }

  std::size_t n_;
  HurwitzOptions options_;
  ParameterBlock alpha_, b_;
};

}  // namespace spnode::core
