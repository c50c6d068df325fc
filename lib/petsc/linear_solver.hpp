#pragma once
/// A Krylov method of PETSc/KSP for a symmetric matrix that is known by its products.

#include "petsc/handles.hpp"
#include "petsc/petsc.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace spnode::petsc {

/// Makes a LinearSolver as the options database wants it, and lets it go. Raises UsageError as that does. Not
/// collective.
void check_linear_solver_options(const std::string& prefix);

struct LinearSolverDefaults {
  std::string prefix;                ///< of its options: "normal_" for -normal_ksp_type
  std::uint64_t iterations = 10000;  ///< most iterations
  double relative_tolerance = 1e-5;  ///< of the residual's Euclidean norm over that of the right-hand side
};

/// Owns a KSP on PETSC_COMM_SELF without a preconditioner, conjugate gradients unless the options database
/// says otherwise (-PREFIX_ksp_type, -PREFIX_ksp_rtol, -PREFIX_ksp_monitor, ...): every rank repeats the same
/// arithmetic on the same bits, so that the solution does not depend on the number of ranks.
class LinearSolver {
 public:
  /// Overwrites y with the matrix times x, both (size); may throw, and what it throws comes out of solve().
  using Product = std::function<void(std::span<const double> x, std::span<double> y)>;

  /// Raises UsageError where PETSc refuses the options database. Not collective.
  LinearSolver(const LinearSolverDefaults& defaults, std::size_t size, Product product);

  LinearSolver(const LinearSolver&) = delete;
  LinearSolver& operator=(const LinearSolver&) = delete;

  /// Overwrites x with what the method reaches from zero for the right-hand side b, both (size): the solution
  /// to the tolerance, or what it had where the iterations were done or the matrix was found to be
  /// indefinite. Collective where the product is.
  void solve(std::span<const double> b, std::span<double> x);

 private:
  static PetscErrorCode product_callback(Mat matrix, Vec x, Vec y);

  std::size_t size_;
  Product product_;
  CallbackGuard guard_;
  MatHandle matrix_;
  KspHandle ksp_;
};

}  // namespace spnode::petsc
