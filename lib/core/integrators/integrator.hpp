#pragma once
/// One step of a scheme on a tile, and its exact adjoint.

#include "core/integrators/options.hpp"
#include "core/linear/linear_part.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// The nonlinear half of du/dt = A u + g(u) - A r(u) as integrators see it: the rate [g; r] at a state.
template <class Real>
class NonlinearPart {
 public:
  virtual ~NonlinearPart() = default;
  virtual RateShape shape() const = 0;
  virtual std::size_t tape_rows() const = 0;

  /// rate (shape().rows(), lanes) is overwritten; what the adjoint needs goes to the tape (tape_rows(),
  /// lanes).
  virtual void apply(const ExecSpace& space, ConstMatrixView<Real> u, MatrixView<Real> rate,
                     MatrixView<Real> tape, Scratch<Real>& scratch) const = 0;

  struct Reverse {
    ConstMatrixView<Real> u, tape, rate_bar;
    MatrixView<Real> u_bar;  ///< +=
    VectorView<Real> bar;    ///< adjoint of the nonlinear coefficients, +=; skipped where its extent is 0
  };
  virtual void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const = 0;

  struct Tangent {
    ConstMatrixView<Real> u, u_dot, tape;
    ConstVectorView<Real> dot;  ///< of the nonlinear coefficients
    MatrixView<Real> rate_dot;  ///< overwritten
  };
  virtual void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const = 0;
};

/// What a step works with; all by reference, nothing owned.
template <class Real>
struct StepContext {
  const ExecSpace& space;
  const LinearPart<Real>& linear;
  const NonlinearPart<Real>& nonlinear;
  Scratch<Real>& scratch;
};

/// The adjoints that a reverse step adds to.
template <class Real>
struct StepAdjoint {
  ConstMatrixView<Real> next_bar;  ///< of the step's result, (n, lanes)
  MatrixView<Real> u_bar;          ///< of its argument, (n, lanes), +=
  VectorView<Real> linear_bar;     ///< LinearPart::coefficient_count(), +=
  VectorView<Real> nonlinear_bar;  ///< coefficients of the nonlinear part, +=
};

/// What a tangent step reads and writes.
template <class Real>
struct StepTangent {
  ConstMatrixView<Real> u_dot;          ///< of the step's argument, (n, lanes)
  ConstVectorView<Real> linear_dot;     ///< LinearPart::coefficient_count()
  ConstVectorView<Real> nonlinear_dot;  ///< coefficients of the nonlinear part
  MatrixView<Real> next_dot;            ///< of its result, (n, lanes), overwritten
};

/// A one-step scheme; stateless. Allocates nothing: temporaries come from the context's scratch, what the
/// reverse step needs goes to a tape of tape_rows() rows that the caller owns.
template <class Real>
class Integrator {
 public:
  virtual ~Integrator() = default;

  /// Classical order of convergence.
  virtual int order() const = 0;

  /// The operators that the scheme applies; it refers to them by position.
  virtual std::vector<OperatorSpec> operators() const = 0;

  virtual std::size_t tape_rows(const NonlinearPart<Real>& nonlinear) const = 0;

  /// next = the state one step after u, both (n, lanes).
  virtual void step(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                    MatrixView<Real> next, MatrixView<Real> tape) const = 0;

  /// The exact adjoint of the step that wrote the tape from u.
  virtual void step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                        ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                        const StepAdjoint<Real>& adjoint) const = 0;

  /// The exact tangent of the step that wrote the tape from u.
  virtual void step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                        ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                        const StepTangent<Real>& tangent) const = 0;
};

/// The scheme of the given name for rates of the given shape.
template <class Real>
std::unique_ptr<Integrator<Real>> make_integrator(Scheme scheme, const RateShape& shape);

}  // namespace spnode::core
