#include "spectral/low_rank_matrix.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "petsc/petsc.hpp"

#include <petscblaslapack.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace spnode::spectral {

namespace {

struct Shell {
  core::StructuredMatrix A;
  std::vector<double> inner;  ///< F^T x, (3 r)
};

PetscErrorCode multiply_shell(Mat matrix, Vec x, Vec y) {
  PetscFunctionBeginUser;
  Shell* shell = nullptr;
  PetscCall(MatShellGetContext(matrix, &shell));
  PetscInt first = 0, last = 0;
  PetscCall(MatGetOwnershipRange(matrix, &first, &last));
  const PetscScalar* from = nullptr;
  PetscScalar* to = nullptr;
  PetscCall(VecGetArrayRead(x, &from));
  PetscCall(VecGetArrayWrite(y, &to));
  const std::size_t q = shell->inner.size();
  const double* const d = shell->A.diagonal().data();
  const double* const F = shell->A.factors().data();
  std::fill(shell->inner.begin(), shell->inner.end(), 0.0);
  for (PetscInt i = first; i < last; ++i)
    for (std::size_t k = 0; k < q; ++k) shell->inner[k] += F[i * q + k] * from[i - first];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, shell->inner.data(), static_cast<int>(q), MPI_DOUBLE, MPI_SUM,
                             PetscObjectComm(reinterpret_cast<PetscObject>(matrix))));
  core::turn(core::Side::plain, shell->inner);
  for (PetscInt i = first; i < last; ++i) {
    double sum = d[i] * from[i - first];
    for (std::size_t k = 0; k < q; ++k) sum += F[i * q + k] * shell->inner[k];
    to[i - first] = sum;
  }
  PetscCall(VecRestoreArrayRead(x, &from));
  PetscCall(VecRestoreArrayWrite(y, &to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/// ||A||_2 <= max |d| + ||F^T F||_F.
PetscErrorCode norm_of_shell(Mat matrix, NormType, PetscReal* norm) {
  PetscFunctionBeginUser;
  Shell* shell = nullptr;
  PetscCall(MatShellGetContext(matrix, &shell));
  const std::size_t n = shell->A.shape.n, q = shell->A.shape.columns();
  std::vector<double> G(q * q);
  const core::HostOperand F(shell->A.factors().data(), n, q);
  core::multiply(1.0, core::transposed(F), F, 0.0, core::square(std::span(G), q));
  double largest = 0.0, squares = 0.0;
  for (const double d : shell->A.diagonal()) largest = std::max(largest, std::abs(d));
  for (const double g : G) squares += g * g;
  *norm = largest + std::sqrt(squares);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode destroy_shell(Mat matrix) {
  PetscFunctionBeginUser;
  Shell* shell = nullptr;
  PetscCall(MatShellGetContext(matrix, &shell));
  delete shell;
  PetscFunctionReturn(PETSC_SUCCESS);
}

using Operation = void (*)(void);

/// Number of eigenvalues of diag(d) - U U^T above sigma.
std::size_t count_above(const core::StructuredMatrix& A, double sigma, std::vector<double>& S) {
  const std::size_t r = A.shape.rank, q = A.shape.columns();
  S.assign(r * r, 0.0);
  for (std::size_t k = 0; k < r; ++k) S[k * (r + 1)] = 1.0;
  std::size_t above = 0;
  for (std::size_t i = 0; i < A.shape.n; ++i) {
    const double gap = A.diagonal()[i] - sigma;
    const double* const u = A.factors().data() + i * q;
    if (gap > 0.0) ++above;
    for (std::size_t j = 0; j < r; ++j)
      for (std::size_t k = 0; k <= j; ++k) S[j * r + k] -= u[j] * u[k] / gap;
  }
  std::vector<double> eigenvalues(r), work(4 * r);
  const PetscBLASInt order = static_cast<PetscBLASInt>(r), size = static_cast<PetscBLASInt>(work.size());
  PetscBLASInt info = 0;
  // The lower triangle by rows is the upper one by columns.
  LAPACKsyev_("N", "U", &order, S.data(), &order, eigenvalues.data(), work.data(), &size, &info);
  if (info != 0) throw NumericalError("numerical abscissa: LAPACK's syev failed");
  const auto lowered = static_cast<std::size_t>(
      std::count_if(eigenvalues.begin(), eigenvalues.end(), [](double value) { return value <= 0.0; }));
  return above - std::min(above, lowered);
}

}  // namespace

MatHandle make_low_rank_matrix(MPI_Comm comm, const core::StructuredMatrix& A) {
  MatHandle result;
  const PetscInt size = static_cast<PetscInt>(A.shape.n);
  auto shell = std::make_unique<Shell>(Shell{A, std::vector<double>(A.shape.columns())});
  SPNODE_PETSC(MatCreateShell(comm, PETSC_DECIDE, PETSC_DECIDE, size, size, shell.get(), result.put()));
  SPNODE_PETSC(MatShellSetOperation(result.get(), MATOP_DESTROY, reinterpret_cast<Operation>(destroy_shell)));
  shell.release();
  SPNODE_PETSC(MatShellSetOperation(result.get(), MATOP_MULT, reinterpret_cast<Operation>(multiply_shell)));
  SPNODE_PETSC(MatShellSetOperation(result.get(), MATOP_NORM, reinterpret_cast<Operation>(norm_of_shell)));
  return result;
}

double numerical_abscissa(const core::StructuredMatrix& A) {
  // Eigenvalues interlace with d: the largest lies between the (r + 1)-th largest entry and the largest.
  std::vector<double> d(A.diagonal().begin(), A.diagonal().end()), S;
  const std::size_t below = std::min(A.shape.rank, A.shape.n - 1);
  std::nth_element(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(below), d.end(), std::greater<>());
  double low = d[below], high = *std::max_element(d.begin(), d.end());
  if (A.shape.n <= A.shape.rank)
    for (const double x : A.factors()) low -= x * x;  // at least the trace of U U^T
  for (;;) {
    const double middle = low + 0.5 * (high - low);
    if (!(low < middle && middle < high)) return high;
    (count_above(A, middle, S) > 0 ? low : high) = middle;
  }
}

}  // namespace spnode::spectral
