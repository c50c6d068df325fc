#pragma once

#include "core/components/component.hpp"
#include "core/components/options.hpp"
#include "core/kernels/quadratic.hpp"

namespace spnode::core {

/// Low-rank bilinear form g(u) = sum_{r=1}^R (C_r u) * (D_r u) + b with * entry by entry (SPNODE-25, eq.
/// (6)).
///
/// Blocks: C and D, each (R, n, n), and b (n).
///
/// Tiles see it in the cheaper of two forms. Expanded, for n + 1 <= 4 R: as n quadratic forms g_i(u) =
/// sum_{j<=k} Q_i,jk u_j u_k + b_i, Q assembled once per update; n^2 (n + 1) / 2 multiplications per lane,
/// whatever the rank. Factored: C and D themselves, 2 R n^2 multiplications; the reverse sweep then computes
/// the products again, which is cheaper than the traffic of keeping them.
template <class Real>
class Bilinear final : public LaneMap<Real> {
 public:
  Bilinear(std::size_t dimension, BilinearOptions options, std::string name);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;

  /// Puts factors of the forms Q (n, monomial_count(n)) and the constant (n) into theta. A form takes as many
  /// products as it has eigenvalues of its more frequent sign: at most n, about n / 2 where signs are mixed;
  /// of the others the largest eigenvalues are kept. The part of Q that was dropped, in the Frobenius norm of
  /// the symmetric forms: 0 where the rank suffices. Factors that are not needed keep their left half.
  double set_forms(std::span<const double> Q, std::span<const double> constant,
                   std::span<double> theta) const;
  std::size_t coefficient_count() const override {
    return (expanded() ? n_ * stride() : 2 * pairs() * n_) + n_;
  }
  void assemble(std::span<const double> theta, std::span<double> kappa) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> kappa_dot) const override;

  std::size_t inputs() const override { return n_; }
  std::size_t outputs() const override { return n_; }
  std::size_t tape_rows() const override { return 0; }
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  void apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x, MatrixView<Real> y,
             MatrixView<Real> tape, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

 private:
  bool expanded() const { return n_ <= most_variables && n_ + 1 <= 4 * options_.rank; }
  std::size_t pairs() const { return options_.rank * n_; }
  std::size_t stride() const { return monomial_stride<Real>(n_); }          // of Q in kappa
  ConstMatrixView<Real> forms(const ConstVectorView<Real>& kappa) const;    // Q, (n, monomials)
  ConstMatrixView<Real> factors(const ConstVectorView<Real>& kappa) const;  // [C; D], (2 R n, n)
  void apply_factored(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x,
                      MatrixView<Real> y, Scratch<Real>& scratch) const;
  void apply_factored_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;
  void apply_factored_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;

  std::size_t n_;
  BilinearOptions options_;
  std::string name_;
  ParameterBlock C_, D_, b_;
};

}  // namespace spnode::core
