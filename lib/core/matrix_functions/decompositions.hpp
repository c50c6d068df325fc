#pragma once
/// Decompositions of small dense matrices on the host by LAPACK, all row major. For the start of a model, not
/// for its updates: these allocate. Not collective.

#include "core/matrix_functions/linear_algebra.hpp"

#include <span>
#include <vector>

namespace spnode::core {

/// a = Z T Z^T, Z orthogonal, T quasi-triangular: its diagonal holds the real parts of the eigenvalues
/// (dgees).
struct RealSchur {
  std::vector<double> T, Z;  ///< (n, n)
};

/// Raises NumericalError where the QR iteration does not converge.
RealSchur real_schur(HostOperand a);

/// Moves the eigenvalues of A (n, n) to real parts of at most `most`: those above it lose the excess, in the
/// basis of the Schur form, where nothing else changes. Raises NumericalError as real_schur().
void limit_real_parts(std::span<double> A, double most);

/// The symmetric S with A^T S + S A = -Q, for A = Z T Z^T with all eigenvalues in the left half plane and Q
/// symmetric (n, n) (dtrsyl). Raises NumericalError where it is not finite.
std::vector<double> solve_lyapunov(const RealSchur& A, std::span<const double> Q);

/// a = L L^T in place: L in the lower triangle, zeros above (dpotrf). Whether a is positive definite.
bool cholesky(HostMatrix a);

/// Solves a x = b by the factor L that cholesky() gave; x is (n, columns) and overwrites b.
void cholesky_solve(HostOperand L, HostMatrix b);

/// Eigenvalues of a symmetric matrix in ascending order; a becomes the unit eigenvectors, row by row (dsyev).
std::vector<double> symmetric_eigen(HostMatrix a);

/// The largest singular value of a matrix.
double spectral_norm(HostOperand a);

}  // namespace spnode::core
