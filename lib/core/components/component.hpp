#pragma once
/// What every trainable component of a model offers.
///
/// Parameters theta are what the optimizer moves. From them a component *assembles* its coefficients kappa
/// (for instance the normalised weights of a Lipschitz layer) once per update, on the host; tiles only ever
/// see kappa. The gradient takes the way back: tiles accumulate kappa_bar, assemble_vjp pulls the sum back to
/// theta_bar.

#include "core/components/parameters.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"

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

  /// Length of kappa.
  virtual std::size_t coefficient_count() const = 0;

  /// kappa from the whole vector theta.
  virtual void assemble(std::span<const double> theta, std::span<double> kappa) const = 0;

  /// theta_bar += (d kappa / d theta)^T kappa_bar.
  virtual void assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                            std::span<double> theta_bar) const = 0;

  /// kappa_dot = (d kappa / d theta) theta_dot.
  virtual void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                            std::span<double> kappa_dot) const = 0;
};

/// A map y = f(x; kappa) of batches, (inputs, lanes) to (outputs, lanes). Tiles see kappa rounded to Real.
template <class Real>
class LaneMap : public Component {
 public:
  virtual std::size_t inputs() const = 0;
  virtual std::size_t outputs() const = 0;

  /// Rows of the tape: what apply keeps for apply_vjp, per lane.
  virtual std::size_t tape_rows() const = 0;

  /// y += f(x). The tape (tape_rows(), lanes) is overwritten.
  virtual void apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x,
                     MatrixView<Real> y, MatrixView<Real> tape, Scratch<Real>& scratch) const = 0;

  /// The arguments of a reverse sweep of one apply.
  struct Reverse {
    ConstVectorView<Real> kappa;
    ConstMatrixView<Real> x;
    ConstMatrixView<Real> tape;
    ConstMatrixView<Real> y_bar;
    MatrixView<Real> x_bar;      ///< (inputs, lanes), += (d f / d x)^T y_bar
    VectorView<Real> kappa_bar;  ///< += (d f / d kappa)^T y_bar; skipped where its extent is 0
  };
  virtual void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const = 0;

  /// The arguments of a tangent of one apply.
  struct Tangent {
    ConstVectorView<Real> kappa, kappa_dot;
    ConstMatrixView<Real> x, x_dot;
    ConstMatrixView<Real> tape;
    MatrixView<Real> y_dot;  ///< (outputs, lanes), += the tangent of f
  };
  virtual void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const = 0;
};

/// The block of a flat vector that belongs to a parameter block.
inline std::span<double> block_of(std::span<double> theta, const ParameterBlock& block) {
  return theta.subspan(block.offset, block.size());
}
inline std::span<const double> block_of(std::span<const double> theta, const ParameterBlock& block) {
  return theta.subspan(block.offset, block.size());
}

}  // namespace spnode::core
