#pragma once
/// One step of a scheme as a list of instructions, so that one executor (integrator.hpp) steps every scheme,
/// forward, reverse and tangent.

#include "core/linear/linear_part.hpp"

#include <cstddef>
#include <vector>

namespace spnode::core {

/// A step from the state u of du/dt = A u + N(u, q(t)). Registers hold states (n rows) or values [g; r] of
/// the nonlinear part; each is written by one instruction, after those that it needs.
struct StageProgram {
  using Register = std::size_t;
  static constexpr Register start = 0, next = 1;  ///< u, and the state one step later

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
      evaluate,  ///< to = N(at; q at the abscissa)
      apply,     ///< to = operator number `op` of the terms, one below the other; factors are not used
      combine    ///< to = sum of the terms
    };
    Kind kind;
    Register to;
    Register at = start;       ///< evaluate: the state; apply: that which an operator may be built from
    std::size_t abscissa = 0;  ///< evaluate, apply: number of the time of that state, and of q
    std::size_t op = 0;
    std::vector<Term> terms = {};
  };

  int order = 1;
  std::vector<OperatorSpec> operators;              ///< functions of h A that apply instructions refer to
  std::vector<double> abscissae = {0.0};            ///< times of evaluations within a step, in units of h
  std::vector<bool> holds_values = {false, false};  ///< of each register: [g; r], or a state
  std::vector<Instruction> instructions;
  std::vector<Term> error;  ///< the estimated error of the step; empty where the scheme has no embedded one

  /// Builders of programs. Each gives the register that is written.
  Register evaluate(Register at, double abscissa);
  Register apply(std::size_t op, std::vector<Term> arguments, Register at, double abscissa);
  Register combine(std::vector<Term> terms);
  /// next = sum of the terms.
  void add_next(std::vector<Term> terms);
  /// The register that the last instruction writes is the next state.
  void last_is_next();

  /// The same step without the estimate of its error, and without what only that needs.
  StageProgram without_error() const;

 private:
  Register add(Instruction instruction, bool values);
  std::size_t abscissa_of(double c);
};

}  // namespace spnode::core
