#include "reference/reference_solution.hpp"

#include "core/support/text.hpp"
#include "petsc/petsc.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace spnode::reference {

namespace {

const core::ReferenceSystem& system_of(void* context) {
  return *static_cast<const core::ReferenceSystem*>(context);
}

// The two callbacks call functions of the system that do not throw: no exception crosses PETSc's C code.

PetscErrorCode evaluate_rate(TS, PetscReal, Vec u, Vec rate, void* context) {
  const core::ReferenceSystem& system = system_of(context);
  const PetscScalar* from = nullptr;
  PetscScalar* to = nullptr;
  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(u, &from));
  PetscCall(VecGetArray(rate, &to));
  system.rhs({from, system.dimension()}, {to, system.dimension()});
  PetscCall(VecRestoreArray(rate, &to));
  PetscCall(VecRestoreArrayRead(u, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode evaluate_jacobian(TS, PetscReal, Vec u, Mat, Mat matrix, void* context) {
  const core::ReferenceSystem& system = system_of(context);
  const std::size_t n = system.dimension();
  const PetscScalar* from = nullptr;
  PetscScalar* to = nullptr;
  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(u, &from));
  PetscCall(MatDenseGetArrayWrite(matrix, &to));
  system.jacobian({from, n}, {to, n * n});
  for (std::size_t i = 0; i < n; ++i)  // PETSc's dense matrices are column major
    for (std::size_t j = 0; j < i; ++j) std::swap(to[i * n + j], to[j * n + i]);
  PetscCall(MatDenseRestoreArrayWrite(matrix, &to));
  PetscCall(VecRestoreArrayRead(u, &from));
  PetscCall(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/// Newton's linear systems are small and dense: LU.
void use_direct_solver(TS ts) {
  SNES snes = nullptr;
  KSP ksp = nullptr;
  PC pc = nullptr;
  SPNODE_PETSC(TSGetSNES(ts, &snes));
  SPNODE_PETSC(SNESGetKSP(snes, &ksp));
  SPNODE_PETSC(KSPGetPC(ksp, &pc));
  SPNODE_PETSC(KSPSetType(ksp, KSPPREONLY));
  SPNODE_PETSC(PCSetType(pc, PCLU));
}

[[noreturn]] void fail(double time, const std::string& reason) {
  throw NumericalError("the reference solution breaks down at t = " + shortest(time) + ": " + reason);
}

}  // namespace

ReferenceSolver::ReferenceSolver(const core::ReferenceSystem& system, double tolerance)
    : system_(system), step_tolerance_(tolerance / 100.0) {
  const PetscInt n = static_cast<PetscInt>(system.dimension());
  SPNODE_PETSC(VecCreateSeq(PETSC_COMM_SELF, n, state_.put()));
  SPNODE_PETSC(VecCreateSeq(PETSC_COMM_SELF, n, absolute_tolerances_.put()));
  SPNODE_PETSC(MatCreateSeqDense(PETSC_COMM_SELF, n, n, nullptr, jacobian_.put()));
  const std::vector<double> sizes = system.negligible_sizes();
  for (PetscInt i = 0; i < n; ++i)
    SPNODE_PETSC(VecSetValue(absolute_tolerances_.get(), i,
                             step_tolerance_ * sizes[static_cast<std::size_t>(i)], INSERT_VALUES));
  SPNODE_PETSC(VecAssemblyBegin(absolute_tolerances_.get()));
  SPNODE_PETSC(VecAssemblyEnd(absolute_tolerances_.get()));
}

void ReferenceSolver::create_stepper() {
  void* const context = const_cast<core::ReferenceSystem*>(&system_);
  SPNODE_PETSC(TSCreate(PETSC_COMM_SELF, stepper_.put()));
  const TS ts = stepper_.get();
  SPNODE_PETSC(TSSetOptionsPrefix(ts, "reference_"));
  SPNODE_PETSC(TSSetRHSFunction(ts, nullptr, evaluate_rate, context));
  SPNODE_PETSC(TSSetRHSJacobian(ts, jacobian_.get(), jacobian_.get(), evaluate_jacobian, context));
  if (system_.solution() == core::Solution::explicit_adaptive) {
    SPNODE_PETSC(TSSetType(ts, TSRK));
    SPNODE_PETSC(TSRKSetType(ts, TSRK8VR));
  } else {
    SPNODE_PETSC(TSSetType(ts, TSBDF));
    SPNODE_PETSC(TSBDFSetOrder(ts, 5));
    SPNODE_PETSC(TSSetMaxSNESFailures(ts, 1000));  // a failed step is tried again with a shorter one
    use_direct_solver(ts);
    // Above a ratio of about 1.2 of successive steps the method amplifies what it should keep, linear
    // invariants among it: with PETSc's 2, y1 + y2 + y3 of Robertson's system drifts ten to a thousand times
    // more.
    TSAdapt adapt = nullptr;
    SPNODE_PETSC(TSGetAdapt(ts, &adapt));
    SPNODE_PETSC(TSAdaptSetClip(adapt, 0.1, 1.2));
  }
  SPNODE_PETSC(TSSetTolerances(ts, step_tolerance_, absolute_tolerances_.get(), step_tolerance_, nullptr));
  SPNODE_PETSC(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  SPNODE_PETSC(TSSetErrorIfStepFails(ts, PETSC_FALSE));
  SPNODE_PETSC(TSSetMaxStepRejections(ts, 100));
  SPNODE_PETSC(TSSetMaxSteps(ts, 10000000));
  SPNODE_PETSC(TSSetFromOptions(ts));
}

void ReferenceSolver::advance() {
  PetscErrorCode code = PETSC_SUCCESS;
  {
    const petsc::QuietErrors quiet;  // a value that is not finite is an error inside PETSc, and told below
    code = TSSolve(stepper_.get(), state_.get());
  }
  PetscReal reached = 0.0;
  TSConvergedReason reason = TS_CONVERGED_ITERATING;
  SPNODE_PETSC(TSGetTime(stepper_.get(), &reached));
  SPNODE_PETSC(TSGetConvergedReason(stepper_.get(), &reason));
  if (code == PETSC_ERR_FP) fail(reached, "a value is not finite");
  if (code == PETSC_ERR_MAT_LU_ZRPVT) fail(reached, "the linear system of a step is singular");
  if (code == PETSC_ERR_CONV_FAILED || code == PETSC_ERR_NOT_CONVERGED)
    fail(reached, "a step did not converge");
  petsc::check_petsc(code, "TSSolve");
  if (reason != TS_CONVERGED_TIME) fail(reached, TSConvergedReasons[reason]);
}

void ReferenceSolver::solve(std::span<const double> times, std::span<double> states) {
  const std::size_t n = system_.dimension();
  create_stepper();  // a new one: steppers remember more than their interface can reset
  const TS ts = stepper_.get();
  PetscScalar* state = nullptr;
  SPNODE_PETSC(VecGetArrayWrite(state_.get(), &state));
  std::copy_n(states.begin(), n, state);
  SPNODE_PETSC(VecRestoreArrayWrite(state_.get(), &state));
  SPNODE_PETSC(TSSetTime(ts, times[0]));
  if (times.size() > 1) SPNODE_PETSC(TSSetTimeStep(ts, 1e-3 * (times[1] - times[0])));
  for (std::size_t i = 1; i < times.size(); ++i) {
    SPNODE_PETSC(TSSetMaxTime(ts, times[i]));
    advance();
    const PetscScalar* result = nullptr;
    SPNODE_PETSC(VecGetArrayRead(state_.get(), &result));
    std::copy_n(result, n, states.begin() + static_cast<std::ptrdiff_t>(i * n));
    SPNODE_PETSC(VecRestoreArrayRead(state_.get(), &result));
    const auto row = states.subspan(i * n, n);
    if (!std::all_of(row.begin(), row.end(), [](double value) { return std::isfinite(value); }))
      fail(times[i], "a value is not finite");
  }
}

}  // namespace spnode::reference
