#include "spectral/eigen_solver.hpp"

#include "core/support/random.hpp"

#include <algorithm>
#include <cstdint>

namespace spnode::spectral {

namespace {

/// What works for the eigenvalues of largest real part, as far as this SLEPc has it. Others want symmetric
/// matrices, a target or a region.
std::string advice(const std::string& prefix) {
  constexpr EPSType rightmost[] = {EPSKRYLOVSCHUR, EPSARNOLDI, EPSLAPACK};
  std::string list;
  for (const EPSType type : rightmost) {
    void (*create)() = nullptr;
    SPNODE_PETSC(PetscFunctionListFind(EPSList, type, &create));
    if (create != nullptr) list += (list.empty() ? "" : ", ") + std::string(type);
  }
  return "; -" + prefix + "eps_type " + list + " work, with -" + prefix + "st_type shift";
}

}  // namespace

EigenSolver::EigenSolver(Mat matrix, const EigenSettings& settings, petsc::CallbackGuard* guard)
    : EigenSolver(matrix) {
  configure(settings);
  if (guard == nullptr) {
    SPNODE_PETSC(EPSSolve(eps_.get()));
  } else {
    const petsc::QuietErrors quiet;
    guard->check(EPSSolve(eps_.get()), "EPSSolve");
  }

  PetscInt converged = 0, restarts = 0;
  SPNODE_PETSC(EPSGetConverged(eps_.get(), &converged));
  SPNODE_PETSC(EPSGetIterationNumber(eps_.get(), &restarts));
  converged_ = static_cast<std::size_t>(std::max<PetscInt>(converged, 0));
  if (converged_ == 0)
    throw NumericalError("no eigenvalue converged in " + std::to_string(restarts) + " restarts of " +
                         method() + "; try -" + settings.prefix + "eps_ncv and -" + settings.prefix +
                         "eps_max_it");
}

void EigenSolver::check_options(Mat matrix, const EigenSettings& settings) {
  EigenSolver(matrix).configure(settings);
}

void EigenSolver::configure(const EigenSettings& settings) {
  constexpr PetscInt max_restarts = 1000;
  const petsc::QuietErrors quiet;
  const EPSProblemType problem = settings.symmetry == Symmetry::symmetric ? EPS_HEP : EPS_NHEP;
  SPNODE_PETSC(EPSCreate(PetscObjectComm(reinterpret_cast<PetscObject>(matrix_)), eps_.put()));
  EPS eps = eps_.get();
  SPNODE_PETSC(EPSSetOptionsPrefix(eps, settings.prefix.c_str()));
  SPNODE_PETSC(EPSSetOperators(eps, matrix_, nullptr));
  SPNODE_PETSC(EPSSetProblemType(eps, problem));
  SPNODE_PETSC(EPSSetWhichEigenpairs(eps, EPS_LARGEST_REAL));
  // Relative to the norm of the matrix: eigenvalues over many decades: |lambda| may lie below its rounding.
  SPNODE_PETSC(EPSSetConvergenceTest(eps, EPS_CONV_NORM));
  SPNODE_PETSC(EPSSetTolerances(eps, settings.tolerance, max_restarts));
  set_method(settings);
  const std::string refused = "an option of the eigensolver is refused (-" + settings.prefix + "eps_..., -" +
                              settings.prefix + "st_...)";
  petsc::check_options(EPSSetFromOptions(eps), refused, advice(settings.prefix));
  EPSProblemType asked = problem;
  SPNODE_PETSC(EPSGetProblemType(eps, &asked));
  if (asked != problem) throw UsageError(refused + ": the kind of problem follows from the matrix");
  petsc::check_options(EPSSetUp(eps), refused, advice(settings.prefix));
}

void EigenSolver::set_method(const EigenSettings& settings) const {
  EPS eps = eps_.get();
  PetscInt size = 0, wanted = static_cast<PetscInt>(settings.wanted), space = PETSC_DEFAULT;
  SPNODE_PETSC(MatGetSize(matrix_, &size, nullptr));
  // Looked up here, too, because the size of the space follows from it.
  petsc::check_options(PetscOptionsGetInt(nullptr, settings.prefix.c_str(), "-eps_nev", &wanted, nullptr),
                       "-" + settings.prefix + "eps_nev is refused");
  wanted = std::clamp<PetscInt>(wanted, 1, size);
  if (settings.method == EigenMethod::all_by_lapack) {
    SPNODE_PETSC(EPSSetType(eps, EPSLAPACK));
  } else {
    // The rightmost eigenvalues of a stiff operator crowd: in SLEPc's smaller space they do not converge.
    constexpr PetscInt smallest_space = 64, vectors_per_eigenvalue = 5;
    space = settings.space > 0 ? static_cast<PetscInt>(settings.space)
                               : std::max(smallest_space, vectors_per_eigenvalue * wanted);
    space = std::min(size, std::max(space, wanted));
    SPNODE_PETSC(EPSSetType(eps, EPSKRYLOVSCHUR));
    set_start();
  }
  SPNODE_PETSC(EPSSetDimensions(eps, wanted, space, PETSC_DEFAULT));
  if (settings.symmetry == Symmetry::symmetric) {
    // LAPACK's stedc: three times as fast as the default at n = 1000.
    constexpr PetscInt divide_and_conquer = 2;
    DS dense = nullptr;
    SPNODE_PETSC(EPSGetDS(eps, &dense));
    SPNODE_PETSC(DSSetMethod(dense, divide_and_conquer));
  }
}

/// The starting vector depends on the row alone, so that every number of ranks starts alike.
void EigenSolver::set_start() const {
  petsc::VecHandle start;
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

std::size_t EigenSolver::wanted() const {
  PetscInt count = 0;
  SPNODE_PETSC(EPSGetDimensions(eps_.get(), &count, nullptr, nullptr));
  return static_cast<std::size_t>(count);
}

std::size_t EigenSolver::listed() const {
  const std::size_t count = std::min(wanted(), converged_);
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
