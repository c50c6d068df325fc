#pragma once

#include "core/linear/hurwitz.hpp"

namespace spnode::core {

/// A_L = mu I + E (-I - U U^T + V W^T - W V^T) E with E = diag(exp(delta / 2)) and U, V, W (n, r).
///
/// The symmetric part of A_L - mu I is -E (I + U U^T) E, negative definite: the real parts of all eigenvalues
/// lie below mu, and the numerical abscissa too, so that ||exp(t (A_L - mu I))||_2 < 1 for t > 0: no
/// transient growth. Its skew part has rank 2 r. A row's scale is one parameter, as in DenseHurwitz.
///
/// Blocks: delta (n), U, V, W (n, r). The coefficients are d = mu - exp(delta) (n), then F = E [U V W] (n, 3
/// r).
class LowRankHurwitz final : public HurwitzOperator {
 public:
  LowRankHurwitz(std::size_t dimension, const HurwitzOptions& options) : n_(dimension), options_(options) {}

  LinearShape shape() const override { return {LinearStructure::low_rank, n_, options_.rank}; }
  double bound() const override { return options_.mu; }
  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  void assemble(std::span<const double> theta, std::span<double> A) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> A_dot) const override;

 private:
  /// visit(i, at, parameter): entries of row i of F, where they stand in the coefficients and in theta.
  template <class Visit>
  void for_each_entry(Visit visit) const;

  std::size_t n_;
  HurwitzOptions options_;
  ParameterBlock delta_, factors_[3];
};

}  // namespace spnode::core
