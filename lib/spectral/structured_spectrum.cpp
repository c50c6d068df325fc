#include "core/support/text.hpp"
#include "petsc/petsc.hpp"
#include "spectral/bound_check.hpp"
#include "spectral/low_rank_matrix.hpp"
#include "spectral/spectrum_detail.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spnode::spectral {

namespace {

void check(const core::StructuredMatrix& A, double bound, const SpectrumOptions& options) {
  if (A.shape.n == 0 || A.entries.size() != A.shape.coefficient_count())
    throw UsageError("spectrum of " + options.name + ": " + std::to_string(A.entries.size()) +
                     " coefficients are no matrix of order " + std::to_string(A.shape.n));
  if (std::isnan(bound)) throw UsageError("spectrum of " + options.name + ": the bound is NaN");
  for (std::size_t k = 0; k < A.entries.size(); ++k)
    if (!std::isfinite(A.entries[k]))
      throw NumericalError("spectrum of " + options.name + ": coefficient " + std::to_string(k) + " is " +
                           shortest(A.entries[k]));
}

/// a b - c d with one rounding of each product left out.
double determinant(const double* B) {
  const double product = B[1] * B[2];
  return std::fma(B[0], B[3], -product) + std::fma(-B[1], B[2], product);
}

/// What a 2 x 2 block adds to a report.
struct BlockSpectrum {
  explicit BlockSpectrum(const double* B) {
    const double x = 0.5 * (B[0] + B[3]), half = 0.5 * (B[0] - B[3]), sheared = 0.5 * (B[1] + B[2]);
    const double y = half * half + B[1] * B[2], w = std::sqrt(std::abs(y)), det = determinant(B);
    numerical_abscissa = x + std::hypot(half, sheared);
    if (y < 0.0) {
      first = {x, w, 0.0};
      second = {x, -w, 0.0};
    } else if (x == 0.0 && w == 0.0) {
      first = second = {};
    } else {
      const double far = x < 0.0 ? x - w : x + w, near = det / far;
      first = {std::max(far, near), 0.0, 0.0};
      second = {std::min(far, near), 0.0, 0.0};
    }
    // Schur form [l1, t; 0, l2]: unit eigenvectors at the angle with cosine t / sqrt(|l1 - l2|^2 + t^2).
    const double t = std::abs(y < 0.0 ? std::hypot(half, sheared) * 2.0 : B[1] - B[2]), gap = 2.0 * w;
    condition = t == 0.0 ? 1.0 : (std::hypot(gap, t) + t) / gap;
  }
  Eigenvalue first, second;
  double numerical_abscissa, condition;
};

/// All eigenvalues from the blocks, the same bits on every rank. Not collective.
SpectrumReport spectrum_of_blocks(const core::StructuredMatrix& A, double bound,
                                  const SpectrumOptions& options) {
  const std::size_t n = A.shape.n;
  const double change = detail::harmless_change(options, n, core::frobenius_norm(A));
  SpectrumReport report;
  report.method = "blocks";
  report.numerical_abscissa =
      A.shape.has_single() ? A.entries.back() : -std::numeric_limits<double>::infinity();
  report.bound_respected = true;
  double condition = 1.0;
  std::vector<Eigenvalue> all;
  all.reserve(n);
  for (std::size_t pair = 0; pair < A.shape.pairs(); ++pair) {
    const BlockSpectrum block(A.block(pair));
    all.insert(all.end(), {block.first, block.second});
    report.numerical_abscissa = std::max(report.numerical_abscissa, block.numerical_abscissa);
    condition = std::max(condition, block.condition);
    if (check_bound({A.block(pair), 4}, 2, block.first, bound, change) != Verdict::kept)
      report.bound_respected = false;
  }
  if (A.shape.has_single()) {
    all.push_back({A.entries.back(), 0.0, 0.0});
    if (A.entries.back() > bound + change) report.bound_respected = false;
  }
  report.wanted = detail::wanted(options, n);
  report.converged = n;
  report.eigenvalues = detail::sorted(all);
  report.spectral_abscissa = report.eigenvalues.front().real;
  std::size_t listed = report.wanted;
  if (listed < n && report.eigenvalues[listed - 1].imag > 0.0) ++listed;
  report.eigenvalues.resize(listed);
  report.eigenvector_condition = condition;
  return report;
}

/// Some eigenvalues by Krylov-Schur on products. Collective on `comm`.
SpectrumReport spectrum_of_low_rank(MPI_Comm comm, const core::StructuredMatrix& A, double bound,
                                    const SpectrumOptions& options) {
  const MatHandle matrix = make_low_rank_matrix(comm, A);
  const EigenSolver solver(matrix.get(), {Symmetry::general, EigenMethod::rightmost_by_krylovschur,
                                          detail::wanted(options, A.shape.n),
                                          std::max(options.solver_tolerance, matrix_free_tolerance), ""});
  const std::vector<Eigenvalue> found = solver.eigenvalues(solver.converged());
  SpectrumReport report;
  report.method = solver.method();
  report.wanted = solver.wanted();
  report.converged = solver.converged();
  report.eigenvalues =
      detail::sorted({found.begin(), found.begin() + static_cast<std::ptrdiff_t>(solver.listed())});
  report.numerical_abscissa = numerical_abscissa(A);
  report.spectral_abscissa = solver.is_rightmost_first() ? detail::largest_real_part(found)
                                                         : std::numeric_limits<double>::quiet_NaN();
  // The spectra of A and of A + E lie left of the numerical abscissa and of it plus ||E||.
  const double change = detail::harmless_change(options, A.shape.n, core::frobenius_norm(A));
  report.bound_respected = report.numerical_abscissa <= bound + change;
  return report;
}

}  // namespace

SpectrumReport compute_spectrum(const parallel::Communicator& comm, const core::StructuredMatrix& A,
                                double bound, const SpectrumOptions& options) {
  using core::LinearStructure;
  if (A.shape.structure == LinearStructure::dense) return compute_spectrum(comm, A.entries, bound, options);
  check(A, bound, options);
  const bool blocks = A.shape.structure == LinearStructure::block_diagonal;
  if (!blocks && A.shape.n <= options.dense_limit)
    return compute_spectrum(comm, core::to_dense(A), bound, options);
  SpectrumReport report;
  parallel::collectively(comm, [&] {
    if (blocks) report = spectrum_of_blocks(A, bound, options);
  });
  if (!blocks) report = spectrum_of_low_rank(comm.handle(), A, bound, options);
  report.name = options.name;
  report.dimension = A.shape.n;
  report.bound = bound;
  detail::broadcast(comm, report);
  return report;
}

}  // namespace spnode::spectral
