#pragma once
/// The right-hand side as something that can be called.

#include "core/linear/make_linear_part.hpp"
#include "core/vector_field/assembled_model.hpp"
#include "core/vector_field/right_hand_side.hpp"

#include <memory>

namespace spnode::core {

/// f(x) = A u + g(x) - A r(x) at points x = [u; q] of latent states and arguments, lanes side by side: value,
/// adjoint, tangent, and the adjoint and the tangent of the tangent. Not collective; allocates nothing once
/// the scratch has grown.
///
/// Its coefficients are those of A, then those of the nonlinear terms.
template <class Real>
class VectorField {
 public:
  /// Keeps a reference to the model.
  explicit VectorField(const BasicModel<Real>& model);

  const BasicModel<Real>& model() const { return assembled_.model(); }
  std::size_t dimension() const { return model().latent_dimension(); }
  std::size_t argument_count() const { return model().argument_count(); }

  /// Raises NumericalError where A is not finite.
  void set_parameters(std::span<const double> theta);

  std::size_t coefficient_count() const {
    return assembled_.linear().size() + model().nonlinear().coefficient_count();
  }
  /// Rows of the tape: what value() keeps for the others, per lane.
  std::size_t tape_rows() const { return right_hand_side().tape_rows(); }

  /// f (n, lanes) = f(x), overwritten; tape (tape_rows(), lanes), overwritten.
  void value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> f, MatrixView<Real> tape,
             Scratch<Real>& scratch) const;

  struct Reverse {
    Point<Real> x;
    ConstMatrixView<Real> tape, f_bar;
    PointBar<Real> x_bar;               ///< += (d f / d x)^T f_bar
    VectorView<Real> coefficients_bar;  ///< +=; skipped where its extent is 0
  };
  void vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;

  struct Tangent {
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    ConstVectorView<Real> coefficients_dot;  ///< zero where its extent is 0
    MatrixView<Real> f_dot;                  ///< (n, lanes), overwritten
  };
  void jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;

  /// Of f_dot = (d f / d x) x_dot with fixed coefficients.
  struct TangentReverse {
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape, f_dot_bar;
    PointBar<Real> x_bar, x_dot_bar;    ///< +=
    VectorView<Real> coefficients_bar;  ///< +=; skipped where its extent is 0
  };
  void jvp_vjp(const ExecSpace& space, const TangentReverse& reverse, Scratch<Real>& scratch) const;

  /// Of the same f_dot along the coefficients with fixed x and x_dot.
  struct TangentTangent {
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    ConstVectorView<Real> coefficients_dot;
    MatrixView<Real> f_dot_dot;  ///< (n, lanes), overwritten
  };
  void jvp_jvp(const ExecSpace& space, const TangentTangent& tangent, Scratch<Real>& scratch) const;

  /// theta_bar += the pull-back of the adjoint of the coefficients, for the last theta.
  void assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                    std::span<double> theta_bar) const {
    assembled_.assemble_vjp(theta, cut(bar, assembled_.linear().size()), theta_bar);
  }

  /// dot (coefficient_count()) = the tangent of the coefficients in the direction theta_dot; overwritten.
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> dot) const {
    assembled_.assemble_jvp(theta, theta_dot, cut(dot, assembled_.linear().size()));
  }

 private:
  RightHandSide<Real> right_hand_side() const {
    return {generator_.get(), model().nonlinear(), assembled_.nonlinear(), shape_};
  }
  typename RightHandSide<Real>::Bars cut_bar(const VectorView<Real>& bar) const;
  typename RightHandSide<Real>::Dots cut_dot(const ConstVectorView<Real>& dot) const;

  AssembledModel<Real> assembled_;
  SplitShape shape_;
  StepTable table_;
  std::unique_ptr<LinearPart<Real>> generator_;  // null without a linear part
};

}  // namespace spnode::core
