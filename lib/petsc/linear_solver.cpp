#include "petsc/linear_solver.hpp"

#include "core/support/error.hpp"
#include "petsc/vec_view.hpp"

#include <utility>

namespace spnode::petsc {

namespace {

/// Raises UsageError for a preconditioner: PETSc's want entries of the matrix, some of them only when they
/// are applied.
void require_no_preconditioner(PC preconditioner, const std::string& prefix) {
  PetscBool none = PETSC_FALSE;
  PCType type = nullptr;
  SPNODE_PETSC(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(preconditioner), PCNONE, &none));
  SPNODE_PETSC(PCGetType(preconditioner, &type));
  if (none == PETSC_FALSE)
    throw UsageError("-" + prefix + "pc_type " + type +
                     ": the matrix is given by its products, for which only none is allowed");
}

}  // namespace

void check_linear_solver_options(const std::string& prefix) {
  const LinearSolver unused({.prefix = prefix}, 1, {});
}

LinearSolver::LinearSolver(const LinearSolverDefaults& defaults, std::size_t size, Product product)
    : size_(size), product_(std::move(product)) {
  const PetscInt n = petsc_int(size);
  SPNODE_PETSC(MatCreateShell(PETSC_COMM_SELF, n, n, n, n, this, matrix_.put()));
  for (const MatOperation operation : {MATOP_MULT, MATOP_MULT_TRANSPOSE})
    SPNODE_PETSC(
        MatShellSetOperation(matrix_.get(), operation, reinterpret_cast<void (*)()>(product_callback)));
  SPNODE_PETSC(MatSetOption(matrix_.get(), MAT_SYMMETRIC, PETSC_TRUE));
  SPNODE_PETSC(KSPCreate(PETSC_COMM_SELF, ksp_.put()));
  const QuietErrors quiet;
  const KSP ksp = ksp_.get();
  PC preconditioner = nullptr;
  SPNODE_PETSC(KSPSetOperators(ksp, matrix_.get(), matrix_.get()));
  SPNODE_PETSC(KSPSetType(ksp, KSPCG));
  SPNODE_PETSC(KSPGetPC(ksp, &preconditioner));
  SPNODE_PETSC(PCSetType(preconditioner, PCNONE));
  // A residual that grows on the way is no reason to give up.
  SPNODE_PETSC(KSPSetTolerances(ksp, defaults.relative_tolerance, 0.0, PETSC_MAX_REAL,
                                petsc_int(defaults.iterations)));
  SPNODE_PETSC(KSPSetOptionsPrefix(ksp, defaults.prefix.c_str()));
  const std::string refused = "an option of a linear solver is refused (-" + defaults.prefix + "ksp_..., -" +
                              defaults.prefix + "pc_...)";
  check_options(KSPSetFromOptions(ksp), refused);
  require_no_preconditioner(preconditioner, defaults.prefix);
  check_options(KSPSetUp(ksp), refused);
}

void LinearSolver::solve(std::span<const double> b, std::span<double> x) {
  const QuietErrors quiet;
  VecHandle right, solution;
  SPNODE_PETSC(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, petsc_int(size_), b.data(), right.put()));
  SPNODE_PETSC(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, petsc_int(size_), x.data(), solution.put()));
  guard_.check(KSPSolve(ksp_.get(), right.get(), solution.get()), "KSPSolve");
}

PetscErrorCode LinearSolver::product_callback(Mat matrix, Vec x, Vec y) {
  void* context = nullptr;
  MatShellGetContext(matrix, &context);
  auto& self = *static_cast<LinearSolver*>(context);
  return self.guard_.run([&] {
    const VecView<const double> from(x, self.size_);
    const VecView<double> to(y, self.size_);
    self.product_(from.span(), to.span());
  });
}

}  // namespace spnode::petsc
