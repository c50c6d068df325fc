#pragma once
/// A PETSc/TAO optimizer on a parameter vector that every rank holds whole.

#include "petsc/handles.hpp"
#include "petsc/petsc.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace spnode::petsc {

/// The type in the options database (-tao_type), else `type`. Not collective.
std::string requested_tao_type(TaoType type);

/// Makes a solver of requested_tao_type(type) as the options database wants it, and lets it go. Raises
/// UsageError as TaoSolver does. Not collective.
void check_tao_options(TaoType type);

struct TaoDefaults {
  std::string type = TAOLMVM;       ///< TAOSHELL: the solver is TaoCallbacks::shell
  std::uint64_t iterations = 0;     ///< most iterations
  double gradient_tolerance = 0.0;  ///< on the Euclidean norm; 0: off
  std::uint64_t history = 20;       ///< pairs that TAOLMVM keeps
};

/// An accepted iterate.
struct TaoIterate {
  std::uint64_t number = 0;  ///< iterations done; 0 for the starting point
  double value = 0.0;
  double gradient_norm = 0.0;
  double step = 0.0;    ///< length of the line search's step
  bool failed = false;  ///< the solver gave up; solution and value are those of the iterate before
};

/// What a TaoSolver calls; all may throw, and what they throw comes out of TaoSolver::solve.
struct TaoCallbacks {
  /// Value at `x`; overwrites the gradient.
  std::function<double(std::span<const double> x, std::span<double> gradient)> evaluate;
  /// At the start and after every iteration; not for shells, which know themselves.
  std::function<void(const TaoIterate&)> iterate;
  /// The whole solver where the type is TAOSHELL.
  std::function<void()> shell;
};

/// Owns a Tao on PETSC_COMM_SELF: every rank repeats the same arithmetic on the same bits, so that methods
/// with inner products do not depend on the number of ranks. The options database is asked last (no prefix:
/// -tao_type, -tao_monitor, -tao_max_it, -tao_gatol, -tao_test_gradient, -tao_lmvm_mat_lmvm_hist_size ...
/// apply to every phase). No interface of PETSc's private headers is used.
class TaoSolver {
 public:
  /// `solution` is the starting point and becomes the solution in place; it must neither move nor die before
  /// this. Raises UsageError where PETSc refuses the options database. Not collective.
  TaoSolver(const TaoDefaults& defaults, std::span<double> solution, TaoCallbacks callbacks);

  /// The most iterations, after the options database has spoken.
  std::uint64_t iterations() const;
  void limit_iterations(std::uint64_t iterations);

  /// Runs the solver; the reason why it stopped. Collective where the callbacks are.
  TaoConvergedReason solve();

  /// The gradient at the solution, as the solver last computed it.
  std::span<const double> gradient() const { return {gradient_array_, size_}; }

  /// For callbacks.iterate: the current iterate is the last one.
  void stop();

  /// For callbacks.shell: value and gradient() at the solution, through Tao (so that -tao_test_gradient
  /// works).
  double evaluate();

  /// For callbacks.shell: runs the monitors and the convergence test; whether to go on.
  bool report(const TaoIterate& iterate);

 private:
  static PetscErrorCode evaluate_callback(Tao, Vec x, PetscReal* value, Vec gradient, void* context);
  static PetscErrorCode monitor_callback(Tao, void* context);
  static PetscErrorCode shell_callback(Tao);
  bool is_shell() const;
  void watch_iterates();

  std::size_t size_;
  TaoCallbacks callbacks_;
  CallbackGuard guard_;
  VecHandle solution_, gradient_;
  const PetscScalar* gradient_array_ = nullptr;  ///< of gradient_; a sequential Vec keeps its array
  TaoHandle tao_;
};

}  // namespace spnode::petsc
