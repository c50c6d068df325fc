#pragma once
/// The right-hand side of assembled coefficients: what a model's field and its linearly implicit steps are
/// made of.

#include "core/linear/linear_part.hpp"
#include "core/vector_field/assembled_model.hpp"
#include "core/vector_field/nonlinear_terms.hpp"

namespace spnode::core {

/// f(x) = A u + g(x) - A r(x) at points x = [u; q] of latent states and arguments, lanes side by side: value,
/// adjoint, tangent, and the adjoint and the tangent of the tangent. All by reference, nothing owned; not
/// collective; allocates nothing once the scratch has grown.
///
/// Its coefficients are those of A, as many as `generator` has, and those of the nonlinear terms.
template <class Real>
struct RightHandSide {
  const LinearPart<Real>* generator;  ///< its operator 0 is A, for whatever step; null without a linear part
  const NonlinearTerms<Real>& terms;
  ConstVectorView<Real> coefficients;  ///< of the terms
  SplitShape shape;

  using Bars = CoefficientParts<VectorView<Real>>;
  using Dots = CoefficientParts<ConstVectorView<Real>>;

  /// Rows of the tape: what value() keeps for the others, per lane.
  std::size_t tape_rows() const { return shape.rows() + terms.tape_rows(); }

  /// f (n, lanes) = f(x), overwritten; tape (tape_rows(), lanes), overwritten.
  void value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> f, MatrixView<Real> tape,
             Scratch<Real>& scratch) const;

  struct Reverse {
    Point<Real> x;
    ConstMatrixView<Real> tape, f_bar;
    PointBar<Real> x_bar;   ///< += (d f / d x)^T f_bar
    Bars coefficients_bar;  ///< +=; a part is skipped where its extent is 0
  };
  void vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;

  struct Tangent {
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    Dots coefficients_dot;   ///< a part is zero where its extent is 0
    MatrixView<Real> f_dot;  ///< (n, lanes), overwritten
  };
  void jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;

  /// Of f_dot = (d f / d x) x_dot with fixed coefficients.
  struct TangentReverse {
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape, f_dot_bar;
    PointBar<Real> x_bar, x_dot_bar;  ///< +=
    Bars coefficients_bar;            ///< +=; a part is skipped where its extent is 0
  };
  void jvp_vjp(const ExecSpace& space, const TangentReverse& reverse, Scratch<Real>& scratch) const;

  /// Of the same f_dot along the coefficients with fixed x and x_dot.
  struct TangentTangent {
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    Dots coefficients_dot;
    MatrixView<Real> f_dot_dot;  ///< (n, lanes), overwritten
  };
  void jvp_jvp(const ExecSpace& space, const TangentTangent& tangent, Scratch<Real>& scratch) const;

 private:
  // The action of A at a point; it takes no step.
  typename LinearPart<Real>::Action action(const Point<Real>& x) const { return {0, {}, x}; }
  // Where the adjoint of A goes: into scratch where it is not wanted.
  VectorView<Real> linear_bar(const Bars& coefficients_bar, Scratch<Real>& scratch) const;
  MatrixView<Real> relaxed(const MatrixView<Real>& values) const {
    return rows_of(values, shape.rows() - shape.n, shape.n);
  }
  ConstMatrixView<Real> relaxed(const ConstMatrixView<Real>& values) const {
    return rows_of(values, shape.rows() - shape.n, shape.n);
  }
};

}  // namespace spnode::core
