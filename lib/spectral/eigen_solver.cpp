#include "spectral/eigen_solver.hpp"

#include "core/random.hpp"
#include "distributed/petsc.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace spnode::spectral {

EigenSolver::EigenSolver(Mat matrix, const EigenSettings& settings) : matrix_(matrix) {
  const bool symmetric = settings.symmetry == Symmetry::symmetric;
  const bool lapack = settings.method == EigenMethod::all_by_lapack;
  constexpr PetscInt max_restarts = 1000;
  SPNODE_PETSC(EPSCreate(PetscObjectComm(reinterpret_cast<PetscObject>(matrix)), eps_.put()));
  EPS eps = eps_.get();
  SPNODE_PETSC(EPSSetOptionsPrefix(eps, settings.prefix.c_str()));
  SPNODE_PETSC(EPSSetOperators(eps, matrix, nullptr));
  SPNODE_PETSC(EPSSetProblemType(eps, symmetric ? EPS_HEP : EPS_NHEP));
  SPNODE_PETSC(EPSSetType(eps, lapack ? EPSLAPACK : EPSKRYLOVSCHUR));
  SPNODE_PETSC(EPSSetWhichEigenpairs(eps, EPS_LARGEST_REAL));
  SPNODE_PETSC(EPSSetDimensions(eps, static_cast<PetscInt>(settings.wanted), PETSC_DEFAULT, PETSC_DEFAULT));
  // Relative to the norm of the matrix: with rates over many decades, |lambda| itself lies below its rounding.
  SPNODE_PETSC(EPSSetConvergenceTest(eps, EPS_CONV_NORM));
  SPNODE_PETSC(EPSSetTolerances(eps, settings.tolerance, max_restarts));
  set_start();
  SPNODE_PETSC(EPSSetFromOptions(eps));
  SPNODE_PETSC(EPSSolve(eps));

  PetscInt converged = 0, restarts = 0;
  SPNODE_PETSC(EPSGetConverged(eps, &converged));
  SPNODE_PETSC(EPSGetIterationNumber(eps, &restarts));
  converged_ = static_cast<std::size_t>(std::max<PetscInt>(converged, 0));
  if (converged_ == 0)
    throw NumericalError("no eigenvalue converged in " + std::to_string(restarts) + " restarts of " + method() +
                         "; try -" + settings.prefix + "eps_ncv and -" + settings.prefix + "eps_max_it");
}

/// The starting vector of Krylov methods depends on the row alone, so that every number of ranks starts alike.
void EigenSolver::set_start() const {
  distributed::VecHandle start;
  SPNODE_PETSC(MatCreateVecs(matrix_, start.put(), nullptr));
  PetscInt first = 0, last = 0;
  PetscScalar* values = nullptr;
  SPNODE_PETSC(VecGetOwnershipRange(start.get(), &first, &last));
  SPNODE_PETSC(VecGetArrayWrite(start.get(), &values));
  const core::Random random(0, "eigen_solver");
  for (PetscInt i = first; i < last; ++i) values[i - first] = random.normal(static_cast<std::uint64_t>(i));
  SPNODE_PETSC(VecRestoreArrayWrite(start.get(), &values));
  Vec vector = start.get();
  SPNODE_PETSC(EPSSetInitialSpace(eps_.get(), 1, &vector));
}

std::size_t EigenSolver::requested() const {
  PetscInt wanted = 0;
  SPNODE_PETSC(EPSGetDimensions(eps_.get(), &wanted, nullptr, nullptr));
  const std::size_t count = std::min(static_cast<std::size_t>(wanted), converged_);
  if (count == converged_ || count == 0) return count;
  PetscScalar imag = 0.0;  // SLEPc puts the one with positive imaginary part first
  SPNODE_PETSC(EPSGetEigenvalue(eps_.get(), static_cast<PetscInt>(count - 1), nullptr, &imag));
  return imag > 0.0 ? count + 1 : count;
}

bool EigenSolver::is_rightmost_first() const {
  EPSWhich which = EPS_LARGEST_REAL;
  SPNODE_PETSC(EPSGetWhichEigenpairs(eps_.get(), &which));
  return which == EPS_LARGEST_REAL;
}

std::string EigenSolver::method() const {
  EPSType type = nullptr;
  SPNODE_PETSC(EPSGetType(eps_.get(), &type));
  return type;
}

Eigenvalue EigenSolver::eigenvalue(std::size_t i) const {
  Eigenvalue value;
  const PetscInt index = static_cast<PetscInt>(i);
  SPNODE_PETSC(EPSGetEigenvalue(eps_.get(), index, &value.real, &value.imag));
  SPNODE_PETSC(EPSComputeError(eps_.get(), index, EPS_ERROR_ABSOLUTE, &value.residual));
  value.imag += 0.0;  // no negative zero in tables
  return value;
}

std::vector<Eigenvalue> EigenSolver::eigenvalues(std::size_t count) const {
  std::vector<Eigenvalue> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = eigenvalue(i);
  return values;
}

Eigenvalue EigenSolver::eigenpair(std::size_t i, Vec real, Vec imag) const {
  Eigenvalue value;
  SPNODE_PETSC(EPSGetEigenpair(eps_.get(), static_cast<PetscInt>(i), &value.real, &value.imag, real, imag));
  return value;
}

}  // namespace spnode::spectral
