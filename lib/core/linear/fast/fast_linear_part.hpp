#pragma once
/// The linear part of a fast-slow system.

#include "core/linear/fast/fast_operator.hpp"
#include "core/linear/linear_part.hpp"
#include "core/matrix_functions/lane_solve.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// A(u) = diag(0, T(x)), u = [x; y], with the matrix T of every lane at the point that the lane's action
/// names: products, systems with I - c h T (lane_solve.hpp), and exponentials (lane_exponential.hpp). The
/// coefficients are those of T. There are no terms in relaxation form.
template <class Real>
class FastLinearPart final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Action;
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;
  using typename LinearPart<Real>::TangentReverse;
  using typename LinearPart<Real>::TangentTangent;

  FastLinearPart(const SplitShape& shape, std::vector<OperatorSpec> operators, const HurwitzOptions& options);

  std::size_t coefficient_count() const override { return coefficients_.extent(0); }
  void assemble(std::span<const double> A) override { upload(A, coefficients_); }
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override;
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override;

  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override;

 private:
  struct AtPoint {  // T at a point, and what its map keeps
    MatrixView<Real> T, tape;
  };
  AtPoint matrix_at(const ExecSpace& space, const Point<Real>& at, Scratch<Real>& scratch) const;
  // The adjoint of T to those of the point's state and of the coefficients.
  void matrix_vjp(const ExecSpace& space, const Point<Real>& at, ConstMatrixView<Real> tape,
                  ConstMatrixView<Real> T_bar, MatrixView<Real> at_bar, VectorView<Real> bar,
                  Scratch<Real>& scratch) const;
  LaneSystem<Real> system(const Action& action, ConstMatrixView<Real> T) const {
    return {T, action.steps.h, operators_[action.op].c, T_->is_triangular()};
  }

  template <class View>
  View slow(const View& u) const {
    return rows_of(u, 0, T_->slow());
  }
  template <class View>
  View fast(const View& u) const {
    return rows_of(u, T_->slow(), T_->fast());
  }

  std::size_t n_;
  std::vector<OperatorSpec> operators_;
  std::unique_ptr<FastOperator<Real>> T_;
  Vector<Real> coefficients_;
};

}  // namespace spnode::core
