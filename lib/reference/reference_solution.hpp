#pragma once
/// Accurate trajectories of a reference system with PETSc's adaptive time steppers.

#include "core/systems/reference_system.hpp"
#include "petsc/handles.hpp"

#include <petscts.h>

#include <span>

namespace spnode::reference {

/// Integrates one trajectory of a system from time to time.
///
/// Not stiff (core::Solution::explicit_adaptive): TSRK, order 8 of Verner. Otherwise: TSBDF, order 5, with
/// the exact Jacobian (PETSc's Rosenbrock methods take far more steps on Robertson's system).
/// Options of PETSc with the prefix `reference_` have the last word, for instance -reference_ts_monitor,
/// -reference_ts_type arkimex. A trajectory depends on the arguments alone, to the last bit: no state is kept
/// between two of them. Runs on PETSC_COMM_SELF; not collective.
class ReferenceSolver {
 public:
  /// Keeps a reference to the system. tolerance: relative error aimed at in the whole trajectory. Each step
  /// is held to a hundredth of it (Robertson's system at 1e-10: relative errors up to 3e-10); times
  /// negligible_sizes() that is the absolute tolerance.
  ReferenceSolver(const core::ReferenceSystem& system, double tolerance);

  /// times: (n), increasing. states: (n, dimension), row major; the first row is the initial state, the
  /// others are written. Raises NumericalError, naming the time, where the steps fail or a value is not
  /// finite.
  void solve(std::span<const double> times, std::span<double> states);

 private:
  void create_stepper();
  /// Steps to the time that was set last.
  void advance();

  const core::ReferenceSystem& system_;
  double step_tolerance_;
  petsc::PetscHandle<TS, TSDestroy> stepper_;
  petsc::VecHandle state_, absolute_tolerances_;
  petsc::MatHandle jacobian_;
};

}  // namespace spnode::reference
