#pragma once
/// What every trainable component of a model offers.
///
/// Parameters theta are what the optimizer moves. From them a component *assembles* its coefficients (for
/// instance the normalised weights of a Lipschitz layer) once per update, on the host; tiles only ever see
/// coefficients. The gradient takes the way back: tiles accumulate the adjoint of the coefficients,
/// assemble_vjp pulls the sum back to theta_bar.

#include "core/components/parameters.hpp"
#include "core/components/point.hpp"
#include "core/components/scaling.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"
#include "core/support/error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace spnode::core {

class Component {
 public:
  virtual ~Component() = default;

  /// Appends the component's parameter blocks; called once, before everything else.
  virtual void declare(ParameterLayout& layout) = 0;

  /// Writes the initial values into the whole vector theta: a function of the seed alone.
  virtual void initialise(std::uint64_t seed, std::span<double> theta) const = 0;

  /// Puts what follows from the scaling of the state into theta; called after initialise where the component
  /// acts on the scaled state itself.
  virtual void set_scaling(const Scaling&, std::span<double> /*theta*/) const {}

  /// Puts what follows from the scaling of the arguments q into theta; called after initialise.
  virtual void set_argument_scaling(const Scaling&, std::span<double> /*theta*/) const {}

  /// Multiplies the component's value by `factor` > 0 through theta: that of a term of the right-hand side,
  /// or A_L - mu I, in another unit of time (vector_field/time_unit.hpp says where it exists).
  virtual void scale_value(double factor, std::span<double> theta) const;

  /// How many coefficients there are.
  virtual std::size_t coefficient_count() const = 0;

  /// The coefficients c from the whole vector theta.
  virtual void assemble(std::span<const double> theta, std::span<double> c) const = 0;

  /// theta_bar += (d c / d theta)^T c_bar.
  virtual void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                            std::span<double> theta_bar) const = 0;

  /// c_dot = (d c / d theta) theta_dot.
  virtual void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                            std::span<double> c_dot) const = 0;
};

inline void Component::scale_value(double, std::span<double>) const {
  throw Error(ExitStatus::internal_error, "a component without another unit of time was to change it");
}

/// Rows of a term of the right-hand side: of u, of its value, of q. The outputs are those of the last states,
/// but for some behind them.
struct TermShape {
  std::size_t states, outputs, arguments;
  std::size_t behind = 0;

  std::size_t first_output() const { return states - outputs - behind; }
};

/// A map y = f(x; c) of the lanes of a tile, where x = [u; q] is a point and c the coefficients, rounded to
/// Real. Value, adjoint, tangent, and the adjoint and the tangent of the tangent take their arguments in a
/// struct each.
template <class Real>
class LaneMap : public Component {
 public:
  /// Rows of u and q together.
  virtual std::size_t inputs() const = 0;
  virtual std::size_t outputs() const = 0;

  /// Rows of the tape: what apply keeps for the others, per lane.
  virtual std::size_t tape_rows() const = 0;

  struct Value {
    ConstVectorView<Real> coefficients;
    Point<Real> x;
    MatrixView<Real> y;     ///< (outputs, lanes), += f(x)
    MatrixView<Real> tape;  ///< (tape_rows(), lanes), overwritten
  };
  virtual void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const = 0;

  struct Reverse {
    ConstVectorView<Real> coefficients;
    Point<Real> x;
    ConstMatrixView<Real> tape;
    ConstMatrixView<Real> y_bar;
    PointBar<Real> x_bar;               ///< += (d f / d x)^T y_bar
    VectorView<Real> coefficients_bar;  ///< += (d f / d c)^T y_bar; skipped where its extent is 0
  };
  virtual void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const = 0;

  struct Tangent {
    ConstVectorView<Real> coefficients;
    ConstVectorView<Real> coefficients_dot;  ///< zero where its extent is 0
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    MatrixView<Real> y_dot;  ///< (outputs, lanes), += the tangent of f
  };
  virtual void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const = 0;

  /// Of the tangent y_dot = (d f / d x) x_dot with fixed coefficients: what a loss on a Jacobian-vector
  /// product needs.
  struct TangentReverse {
    ConstVectorView<Real> coefficients;
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    ConstMatrixView<Real> y_dot_bar;
    PointBar<Real> x_bar;               ///< += (d y_dot / d x)^T y_dot_bar
    PointBar<Real> x_dot_bar;           ///< += (d f / d x)^T y_dot_bar
    VectorView<Real> coefficients_bar;  ///< += (d y_dot / d c)^T y_dot_bar; skipped where its extent is 0
  };
  virtual void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                             Scratch<Real>& scratch) const = 0;

  /// The tangent of y_dot = (d f / d x) x_dot along the coefficients with fixed x and x_dot: what
  /// Gauss-Newton steps need of a loss on a Jacobian-vector product.
  struct TangentTangent {
    ConstVectorView<Real> coefficients, coefficients_dot;
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    MatrixView<Real> y_dot_dot;  ///< (outputs, lanes), += (d y_dot / d c) coefficients_dot
  };
  virtual void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                             Scratch<Real>& scratch) const = 0;
};

/// The block of a flat vector that belongs to a parameter block.
inline std::span<double> block_of(std::span<double> theta, const ParameterBlock& block) {
  return theta.subspan(block.offset, block.size());
}
inline std::span<const double> block_of(std::span<const double> theta, const ParameterBlock& block) {
  return theta.subspan(block.offset, block.size());
}

inline void scale_block(double factor, std::span<double> theta, const ParameterBlock& block) {
  for (double& entry : block_of(theta, block)) entry *= factor;
}

}  // namespace spnode::core
