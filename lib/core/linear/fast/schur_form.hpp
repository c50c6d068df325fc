#pragma once

#include "core/components/constant_map.hpp"
#include "core/components/network.hpp"
#include "core/linear/fast/fast_operator.hpp"

namespace spnode::core {

/// T(x) = mu I + a negative Schur form (FSNN, section 3.2): block upper triangular with diagonal blocks
///
///   R [cos a, sin a; -sin a, cos a] + r [cos b, sin b; sin b, -cos b],   R < 0, |r| < |R|, |a| < pi / 2,
///
/// (eqs. (3.9)-(3.11)), of trace 2 R cos a < 0 and determinant R^2 - r^2 > 0, and a negative number at the
/// end where the dimension is odd. Blocks above the diagonal are free. The parameters of a diagonal block are
/// (s, k, t, b) with R = -e^s, r = R tanh k, a = pi / 2 tanh t: unlike eq. (3.14) they reach -I, at k = t =
/// 0, and r may change its sign.
///
/// The parameters of all blocks are a network of x, or constant. They stand block row by block row: those of
/// the diagonal block, then the entries to the right of it, row by row.
template <class Real>
class SchurForm final : public FastOperator<Real> {
 public:
  SchurForm(std::size_t slow, std::size_t fast, const HurwitzOptions& options);

  bool is_triangular() const override { return true; }

  void declare(ParameterLayout& layout) override { parameters_->declare(layout); }
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return parameters_->coefficient_count(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override {
    parameters_->assemble(theta, c);
  }
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override {
    parameters_->assemble_vjp(theta, c_bar, theta_bar);
  }
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override {
    parameters_->assemble_jvp(theta, theta_dot, c_dot);
  }

  std::size_t tape_rows() const override { return parameters_->outputs() + parameters_->tape_rows(); }
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
  // The tape: the parameters, then what their map keeps.
  template <class View>
  View parameters_of(const View& tape) const {
    return rows_of(tape, 0, parameters_->outputs());
  }
  template <class View>
  View inner(const View& tape) const {
    return rows_of(tape, parameters_->outputs(), parameters_->tape_rows());
  }
  MatrixView<Real> zeros(const ExecSpace& space, std::size_t rows, std::size_t lanes,
                         Scratch<Real>& scratch) const;

  HurwitzOptions options_;
  const ConstantMap<Real>* constant_ = nullptr;  // one of the two
  const Network<Real>* network_ = nullptr;
  std::unique_ptr<LaneMap<Real>> parameters_;
};

}  // namespace spnode::core
