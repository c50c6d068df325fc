#pragma once
/// Eigenvalues of a learned linear operator and the bound on their real parts.

#include "core/matrix_functions/structured_matrix.hpp"
#include "parallel/communicator.hpp"
#include "spectral/eigen_solver.hpp"
#include "spectral/finding.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace spnode::spectral {

struct SpectrumOptions {
  std::string name = "A_L";       ///< of the operator, in reports
  std::size_t count = 0;          ///< eigenvalues of largest real part; 0: all up to dense_limit, above it 20
  std::size_t dense_limit = 512;  ///< up to this n LAPACK computes all of them, above it Krylov-Schur some
  double tolerance = 1e-12;       ///< changes of A so large, relative to its Frobenius norm, break no bound
  double solver_tolerance = 1e-13;  ///< of Krylov-Schur: residual over the norm of A; -eps_tol overrides it
};

struct SpectrumReport {
  std::string name;                     ///< of the operator
  std::string method;                   ///< SLEPc's name of the eigensolver
  std::size_t dimension = 0;            ///< n
  std::size_t wanted = 0;               ///< eigenvalues that were asked for
  std::size_t converged = 0;            ///< eigenvalues that the solver converged; with LAPACK n
  double bound = 0.0;                   ///< on the real parts, 1/time
  std::vector<Eigenvalue> eigenvalues;  ///< the converged ones of those wanted, pairs whole: by descending
                                        ///< real part, pairs adjacent, positive imaginary part first
  double spectral_abscissa = 0.0;       ///< largest real part of all eigenvalues
  double numerical_abscissa = 0.0;      ///< largest eigenvalue of (A + A^T) / 2: d/dt ||exp(t A)|| at t = 0
  /// 2-norm condition number of the matrix of unit eigenvectors, where all were computed; infinite, or as
  /// large as rounding lets it be, where A has no basis of them.
  std::optional<double> eigenvector_condition;
  bool bound_respected = false;  ///< to rounding: see compute_spectrum

  /// Distance of a real part to the bound; negative beyond it.
  double margin(const Eigenvalue& eigenvalue) const { return bound - eigenvalue.real; }
  bool operator==(const SpectrumReport&) const = default;
};

/// The spectrum of a real matrix. Collective.
///
/// Up to options.dense_limit rank 0 alone computes, on PETSC_COMM_SELF, and gives the report to all: it has
/// the same bits for every number of ranks, and monitors print once. Above it the rows of A are spread over
/// `comm`, and reports of different numbers of ranks agree to rounding. On all ranks of one run the report is
/// always the same.
///
/// The main EPS takes its keys of the options database without a prefix (-eps_nev 20), the others with
/// one: spectrum_symmetric_ for the numerical abscissa, spectrum_rightmost_ for the spectral abscissa where
/// the database asked the main EPS for other eigenvalues than those of largest real part, spectrum_ for the
/// SVD.
///
/// A bound is violated where an eigenvalue lies beyond it by more than changes of A of norm
/// max(tolerance, n eps) ||A||_F + residual explain (check_bound), so that bounds which hold exactly by
/// construction do not fail by rounding, for defective matrices neither. `bound` may be infinite.
///
/// Raises on all ranks: UsageError where `matrix` is empty or not n x n, `bound` is NaN or the database holds
/// options that do not fit; NumericalError where an entry is not finite or no eigenvalue converged.
///
/// @param matrix A, (n, n) row major, the same on all ranks
SpectrumReport compute_spectrum(const parallel::Communicator& comm, std::span<const double> matrix,
                                double bound, const SpectrumOptions& options);

/// Raises UsageError where no matrix could be given to compute_spectrum with the options of the database:
/// cheap enough to be called before any work. Not collective; the same on all ranks.
void check_spectrum_options();

/// Residual, relative to the norm of A, at which Krylov-Schur stops if it has only products with A.
/// Eigenvalues of so large an operator are close to each other, and the number of products grows at least as
/// the inverse root of the residual. Reports show the residuals; -eps_tol overrides the value.
inline constexpr double matrix_free_tolerance = 1e-5;

/// The spectrum of a matrix of any structure, the same on all ranks. Collective. What a dense matrix of its
/// entries would give, at the cost of the structure:
///
/// block_diagonal: all eigenvalues, numerical abscissa and condition exactly from the blocks; the report
/// lists options.count of them (0: all up to dense_limit, above it 20).
///
/// low_rank: up to options.dense_limit from all entries, above it eigenvalues of largest real part by
/// Krylov-Schur on products, rows spread over `comm`, without the eigenvectors' condition. The bound is
/// judged by the numerical abscissa, which these operators keep below it too.
///
/// Errors as above.
SpectrumReport compute_spectrum(const parallel::Communicator& comm, const core::StructuredMatrix& A,
                                double bound, const SpectrumOptions& options);

/// The scalars of a report: spectral_abscissa with its bound, numerical_abscissa, eigenvector_condition.
std::vector<Finding> findings(const SpectrumReport& report);

}  // namespace spnode::spectral
