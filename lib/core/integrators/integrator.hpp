#pragma once
/// One step of a scheme on a tile, its exact adjoint and tangent: the executor of stage programs.
///
/// The matrices of linearly implicit schemes are formed and factored once in a step; the adjoint of a
/// solution adds an outer product to that of the matrix, which the second derivatives of the right-hand side
/// pull back.

#include "core/integrators/schemes.hpp"
#include "core/linear/linear_part.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"
#include "core/vector_field/nonlinear_terms.hpp"
#include "core/vector_field/right_hand_side.hpp"

#include <vector>

namespace spnode::core {

/// The arguments q (m, lanes) of a step at the abscissae of its scheme.
template <class Real>
struct StageArguments {
  ConstMatrixView<Real> all;  ///< (m, lanes) where they are constant, else (m, abscissae lanes); none: m = 0
  std::size_t lanes = 0;

  ConstMatrixView<Real> at(std::size_t abscissa) const {
    return all.extent(1) <= lanes ? all : lanes_of(all, abscissa * lanes, lanes);
  }
};

/// The step that each lane of a tile takes.
template <class Real>
struct Step {
  StepLengths<Real> lengths;
  StageArguments<Real> arguments;
};

/// What a step works with; all by reference, nothing owned.
template <class Real>
struct StepContext {
  const ExecSpace& space;
  const LinearPart<Real>* linear;  ///< null where the right-hand side has no linear part
  const NonlinearTerms<Real>& nonlinear;
  ConstVectorView<Real> nonlinear_coefficients;
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

/// Executes the program of a one-step scheme; stateless. Allocates nothing: temporaries come from the
/// context's scratch, what the reverse step needs goes to a tape of tape_rows() rows that the caller owns.
template <class Real>
class Integrator {
 public:
  /// `value_tape_rows`: NonlinearTerms::tape_rows().
  Integrator(StageProgram program, const SplitShape& shape, std::size_t value_tape_rows);

  /// Classical order of convergence.
  int order() const { return program_.order; }
  const std::vector<OperatorSpec>& operators() const { return program_.operators; }
  const std::vector<double>& abscissae() const { return program_.abscissae; }
  bool takes_field() const { return program_.takes_field(); }
  bool estimates_error() const { return !program_.error.empty(); }
  std::size_t tape_rows() const { return tape_rows_; }

  /// next = the state one step after u, both (n, lanes). `error`, where the scheme estimates it and the view
  /// has rows: (n, lanes), overwritten.
  void step(const StepContext<Real>& context, const Step<Real>& step, ConstMatrixView<Real> u,
            MatrixView<Real> next, MatrixView<Real> tape, MatrixView<Real> error = {}) const;

  /// The exact adjoint of the step that wrote the tape from u.
  void step_vjp(const StepContext<Real>& context, const Step<Real>& step, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepAdjoint<Real>& adjoint) const;

  /// The exact tangent of the step that wrote the tape from u.
  void step_jvp(const StepContext<Real>& context, const Step<Real>& step, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepTangent<Real>& tangent) const;

 private:
  using Register = StageProgram::Register;
  using Instruction = StageProgram::Instruction;
  using Term = StageProgram::Term;
  struct Slot {            // where a register stands
    bool on_tape = false;  // else in scratch
    std::size_t row = 0;
  };
  struct Registers;   // views of the registers of one step
  struct Linearised;  // the right-hand side at an instruction
  // The instructions drift and linearise.
  void linearised(const StepContext<Real>& context, const Step<Real>& step, const Instruction& instruction,
                  const Point<Real>& point, ConstMatrixView<Real> tape, MatrixView<Real> to) const;
  void linearised_vjp(const StepContext<Real>& context, const Step<Real>& step,
                      const Instruction& instruction, const Point<Real>& point, ConstMatrixView<Real> tape,
                      MatrixView<Real> to_bar, MatrixView<Real> at_bar,
                      const StepAdjoint<Real>& adjoint) const;
  void linearised_jvp(const StepContext<Real>& context, const Step<Real>& step,
                      const Instruction& instruction, const Point<Real>& point, ConstMatrixView<Real> tape,
                      ConstMatrixView<Real> at_dot, const StepTangent<Real>& tangent,
                      MatrixView<Real> to_dot) const;

  std::size_t rows_of_register(Register r) const;
  RightHandSide<Real> right_hand_side(const StepContext<Real>& context) const {
    return {context.linear, context.nonlinear, context.nonlinear_coefficients, shape_};
  }
  ConstMatrixView<Real> inner_tape(const ConstMatrixView<Real>& tape, Register r) const {
    return rows_of(tape, inner_row_[r], inner_rows_[r]);
  }
  MatrixView<Real> argument_slope(const StepContext<Real>& context, const Step<Real>& step) const;
  void place_values();
  void place_bars();
  template <class View>
  View part(const View& whole, StageProgram::Rows rows) const;

  StageProgram program_;
  SplitShape shape_;
  std::size_t value_tape_rows_;
  std::vector<Slot> slots_;                          // of the registers' values
  std::vector<std::size_t> inner_row_, inner_rows_;  // of the tape of each evaluation, by its register
  std::size_t tape_rows_ = 0, work_rows_ = 0;
  std::vector<std::size_t> bar_row_;  // of the registers' adjoints
  std::vector<std::vector<Register>>
      begins_;  // whose adjoints start as zero before the reverse of an instruction
  std::size_t bar_rows_ = 0;
};

}  // namespace spnode::core
