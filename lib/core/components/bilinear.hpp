#pragma once

#include "core/components/component.hpp"
#include "core/components/options.hpp"
#include "core/kernels/quadratic.hpp"

namespace spnode::core {

/// Low-rank bilinear form g(x) = sum_{r=1}^R (C_r x) * (D_r x) + b with * entry by entry (SPNODE-25, eq.
/// (6)), x = u, or [u; q] where the model has arguments: then with products of arguments and states, which
/// make the linear part depend on the arguments.
///
/// Blocks: C and D, each (R, n, N), and b (n), for n outputs and N inputs.
///
/// Tiles see it in the cheaper of two forms. Expanded, for N + 1 <= 4 R: as n quadratic forms g_i(x) =
/// sum_{j<=k} Q_i,jk x_j x_k + b_i, Q assembled once per update; n N (N + 1) / 2 multiplications per lane,
/// whatever the rank. Factored: C and D themselves, 2 R n N multiplications; the reverse sweep then computes
/// the products again, which is cheaper than the traffic of keeping them.
template <class Real>
class Bilinear final : public LaneMap<Real> {
 public:
  /// n = outputs; N = states + arguments.
  Bilinear(TermShape shape, BilinearOptions options, std::string name);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;

  /// Puts factors of the forms Q (n, monomial_count(n)) in u alone and the constant (n) into theta, where
  /// outputs are as many as states. A form takes as many products as it has eigenvalues of its more frequent
  /// sign: at most n, about n / 2 where signs are mixed; of the others the largest eigenvalues are kept. The
  /// part of Q that was dropped, in the Frobenius norm of the symmetric forms: 0 where the rank suffices.
  /// Factors that are not needed keep their left half.
  double set_forms(std::span<const double> Q, std::span<const double> constant,
                   std::span<double> theta) const;
  std::size_t coefficient_count() const override {
    return (expanded() ? form_entries() : 2 * pairs() * N_) + n_;
  }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return N_; }
  std::size_t outputs() const override { return n_; }
  std::size_t tape_rows() const override { return 0; }
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override;

 private:
  bool expanded() const { return N_ <= most_variables && N_ + 1 <= 4 * options_.rank; }
  std::size_t pairs() const { return options_.rank * n_; }
  std::size_t stride() const { return form_stride<Real>(n_); }  // of Q in the coefficients
  std::size_t form_entries() const { return monomial_count(N_) * stride(); }
  ConstMatrixView<Real> forms(const ConstVectorView<Real>& coefficients) const;    // Q, (monomials, n)
  ConstMatrixView<Real> factors(const ConstVectorView<Real>& coefficients) const;  // [C; D], (2 R n, N)
  ConstMatrixView<Real> joined(const ExecSpace& space, const Point<Real>& x, Scratch<Real>& scratch) const;
  MatrixView<Real> start_bar(const ExecSpace& space, const PointBar<Real>& x_bar,
                             Scratch<Real>& scratch) const;
  void finish_bar(const ExecSpace& space, ConstMatrixView<Real> bar, const PointBar<Real>& x_bar) const;
  void quadratic_reverse(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;
  void factored_reverse(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;
  void factored_tangent(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;
  void factored_tangent_reverse(const ExecSpace& space, const TangentReverse& reverse,
                                Scratch<Real>& scratch) const;
  void factored_tangent_tangent(const ExecSpace& space, const TangentTangent& tangent,
                                Scratch<Real>& scratch) const;

  std::size_t states_, n_, N_;
  BilinearOptions options_;
  std::string name_;
  ParameterBlock C_, D_, b_;
};

}  // namespace spnode::core
