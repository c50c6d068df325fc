#pragma once

#include "core/linear/fast/fast_operator.hpp"
#include "core/linear/hurwitz.hpp"

namespace spnode::core {

/// A(u) = diag(0, T(x)) with u = [x; y]: T acts on the fast variables y, the slow ones x have no linear part
/// (FSNN, eq. (2.6)). The coefficients are those of T.
class FastHurwitz final : public HurwitzOperator {
 public:
  /// Raises OptionError as make_fast_operator() does.
  FastHurwitz(std::size_t dimension, const HurwitzOptions& options)
      : n_(dimension), mu_(options.mu), T_(make_fast_operator<double>(dimension, options)) {}

  LinearShape shape() const override {
    return {LinearStructure::state_dependent, n_, 0, T_->coefficient_count()};
  }
  double bound() const override { return mu_; }
  void declare(ParameterLayout& layout) override { T_->declare(layout); }
  void initialise(std::uint64_t seed, std::span<double> theta) const override { T_->initialise(seed, theta); }
  void assemble(std::span<const double> theta, std::span<double> A) const override { T_->assemble(theta, A); }
  void assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                    std::span<double> theta_bar) const override {
    T_->assemble_vjp(theta, A_bar, theta_bar);
  }
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> A_dot) const override {
    T_->assemble_jvp(theta, theta_dot, A_dot);
  }
  std::vector<double> matrix_at(std::span<const double> coefficients,
                                std::span<const double> u) const override;

  const FastOperator<double>& T() const { return *T_; }

 private:
  std::size_t n_;
  double mu_;
  std::unique_ptr<FastOperator<double>> T_;
};

}  // namespace spnode::core
