#pragma once
/// One step of a scheme as a list of instructions, so that one executor (integrator.hpp) steps every scheme,
/// forward, reverse and tangent.

#include "core/linear/linear_part.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace spnode::core {

/// A step from the state u of du/dt = A u + N(u, q(t)) = f(u, q(t)). Registers hold states (n rows), values
/// [g; r] of the nonlinear part, or factored matrices of which every lane has its own; each is written by one
/// instruction, after those that it needs.
struct StageProgram {
  using Register = std::size_t;
  static constexpr Register start = 0, next = 1;  ///< u, and the state one step later

  enum class Content { state, values, matrix };

  /// Rows of a register: of values [g; r] the plain or the relaxed ones alone.
  enum class Rows { all, plain, relaxed };

  /// factor X, or factor h X, in a sum.
  struct Term {
    Register from;
    double factor = 1.0;
    bool times_step = false;
    Rows rows = Rows::all;
  };

  struct Instruction {
    enum class Kind {
      evaluate,   ///< to = N(at; q at the abscissa)
      apply,      ///< to = operator number `op` of the terms, one below the other; factors are not used
      combine,    ///< to = sum of the terms
      slope,      ///< to = f(at; q at the abscissa)
      drift,      ///< to = h (df/dq)(at) dq/dt at the slope that the term names
      linearise,  ///< to = I - factor h (df/du)(at) at the slope that the term names
      solve       ///< to = the solution of the matrix `at` for the term
    };
    Kind kind;
    Register to;
    Register at = start;  ///< the state; apply: that which an operator may be built from; solve: the matrix
    std::size_t abscissa = 0;  ///< number of the time of that state, and of q
    std::size_t op = 0;
    std::vector<Term> terms = {};
  };

  int order = 1;
  std::vector<OperatorSpec> operators;    ///< functions of h A that apply instructions refer to
  std::vector<double> abscissae = {0.0};  ///< times of evaluations within a step, in units of h
  std::vector<Content> holds = {Content::state, Content::state};  ///< of each register
  std::vector<Instruction> instructions;
  std::vector<Term> error;  ///< the estimated error of the step; empty where the scheme has no embedded one

  /// Builders of programs. Each gives the register that is written.
  Register evaluate(Register at, double abscissa);
  Register apply(std::size_t op, std::vector<Term> arguments, Register at, double abscissa);
  Register combine(std::vector<Term> terms);
  Register slope(Register at, double abscissa);
  /// The next three at a slope that has been taken at the start of the step.
  Register drift(Register slope);
  Register linearise(Register slope, double factor);
  Register solve(Register matrix, Register right);
  /// next = sum of the terms.
  void add_next(std::vector<Term> terms);
  /// The register that the last instruction writes is the next state.
  void last_is_next();

  /// Whether f is taken as a whole: its only operator is then A itself, for whatever step.
  bool takes_field() const;

  /// h dq/dt at the start of a step: weights of q at some abscissae. It is the derivative of the cubic
  /// through four points of the step, exact for inputs that are interpolated by polynomials of degree three
  /// at most.
  struct ArgumentSlope {
    std::array<double, 4> at = {0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0};
    std::array<double, 4> weight = {-5.5, 9.0, -4.5, 1.0};
  };
  std::array<std::size_t, 4> slope_abscissae{};  ///< numbers of ArgumentSlope::at, where there is a drift

  /// The same step without the estimate of its error, and without what only that needs.
  StageProgram without_error() const;

 private:
  Register add(Instruction instruction, Content content = Content::state);
  std::size_t abscissa_of(double c);
};

}  // namespace spnode::core
