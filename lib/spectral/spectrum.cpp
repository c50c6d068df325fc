#include "spectral/spectrum.hpp"

#include "core/support/text.hpp"
#include "parallel/broadcast.hpp"
#include "petsc/petsc.hpp"
#include "spectral/bound_check.hpp"
#include "spectral/dense_matrix.hpp"
#include "spectral/spectrum_detail.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace spnode::spectral {

namespace detail {

std::size_t wanted(const SpectrumOptions& options, std::size_t n) {
  constexpr std::size_t large_default = 20;
  const std::size_t all = n <= options.dense_limit ? n : std::min(n, large_default);
  return options.count == 0 ? all : std::min(options.count, n);
}

double harmless_change(const SpectrumOptions& options, std::size_t n, double frobenius_norm) {
  const double rounding = static_cast<double>(n) * std::numeric_limits<double>::epsilon();
  return std::max(rounding, options.tolerance) * frobenius_norm;
}

double largest_real_part(const std::vector<Eigenvalue>& values) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const Eigenvalue& value : values) largest = std::max(largest, value.real);
  return largest;
}

std::vector<Eigenvalue> sorted(const std::vector<Eigenvalue>& values) {
  std::vector<Eigenvalue> upper, all;
  std::copy_if(values.begin(), values.end(), std::back_inserter(upper),
               [](const auto& v) { return v.imag >= 0.0; });
  std::stable_sort(upper.begin(), upper.end(), [](const Eigenvalue& a, const Eigenvalue& b) {
    return a.real != b.real ? a.real > b.real : a.imag < b.imag;
  });
  for (const Eigenvalue& value : upper) {
    all.push_back(value);
    if (value.imag > 0.0) all.push_back({value.real, -value.imag, value.residual});
  }
  return all;
}

void broadcast(const parallel::Communicator& comm, SpectrumReport& report) {
  std::vector<double> numbers = {static_cast<double>(report.dimension),
                                 static_cast<double>(report.wanted),
                                 static_cast<double>(report.converged),
                                 report.bound,
                                 report.spectral_abscissa,
                                 report.numerical_abscissa,
                                 report.bound_respected ? 1.0 : 0.0,
                                 report.eigenvector_condition ? 1.0 : 0.0,
                                 report.eigenvector_condition.value_or(0.0)};
  const std::size_t header = numbers.size();
  for (const Eigenvalue& value : report.eigenvalues)
    numbers.insert(numbers.end(), {value.real, value.imag, value.residual});
  std::string bytes(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double));
  parallel::broadcast(comm, bytes);
  parallel::broadcast(comm, report.name);
  parallel::broadcast(comm, report.method);

  numbers.resize(bytes.size() / sizeof(double));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  const double* number = numbers.data();
  report.dimension = static_cast<std::size_t>(*number++);
  report.wanted = static_cast<std::size_t>(*number++);
  report.converged = static_cast<std::size_t>(*number++);
  report.bound = *number++;
  report.spectral_abscissa = *number++;
  report.numerical_abscissa = *number++;
  report.bound_respected = *number++ != 0.0;
  const bool has_condition = *number++ != 0.0;
  report.eigenvector_condition = has_condition ? std::optional<double>(*number) : std::nullopt;
  report.eigenvalues.clear();
  for (std::size_t k = header; k < numbers.size(); k += 3)
    report.eigenvalues.push_back({numbers[k], numbers[k + 1], numbers[k + 2]});
}

}  // namespace detail

namespace {

constexpr const char* symmetric_prefix = "spectrum_symmetric_";

/// What is analysed: a checked square matrix.
struct Problem {
  std::span<const double> matrix;  ///< (n, n) row major
  std::size_t n;
  double bound;
  const SpectrumOptions& options;

  bool is_dense() const { return n <= options.dense_limit; }
  EigenMethod method() const {
    return is_dense() ? EigenMethod::all_by_lapack : EigenMethod::rightmost_by_krylovschur;
  }
  std::size_t wanted() const { return detail::wanted(options, n); }
  EigenSettings settings(Symmetry symmetry, std::size_t count, const char* prefix) const {
    return {symmetry, method(), count, options.solver_tolerance, prefix};
  }
};

Problem make_problem(std::span<const double> matrix, double bound, const SpectrumOptions& options) {
  const auto n = static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(matrix.size()))));
  if (n == 0 || n * n != matrix.size())
    throw UsageError("spectrum of " + options.name + ": " + std::to_string(matrix.size()) +
                     " entries are no square matrix");
  if (std::isnan(bound))
    throw UsageError("spectrum of " + options.name + ": the bound on the real parts is NaN");
  for (std::size_t k = 0; k < matrix.size(); ++k)
    if (!std::isfinite(matrix[k]))
      throw NumericalError("spectrum of " + options.name + ": entry (" + std::to_string(k / n) + ", " +
                           std::to_string(k % n) + ") is " + shortest(matrix[k]));
  return {matrix, n, bound, options};
}

/// Condition number of the matrix of unit eigenvectors. The columns v and conj(v) of a pair are those of
/// sqrt(2) (Re v, Im v) times a unitary matrix, so a real matrix has the same singular values.
double condition_of_eigenvectors(const EigenSolver& solver, Mat matrix, std::size_t n) {
  petsc::VecHandle real, imag;
  SPNODE_PETSC(MatCreateVecs(matrix, real.put(), imag.put()));
  std::vector<double> columns(n * n);  // (eigenvectors, components)
  std::size_t parts = 1;
  for (std::size_t i = 0; i < n; i += parts) {
    const bool paired = solver.eigenpair(i, real.get(), imag.get()).imag > 0.0;
    PetscReal real_norm = 0.0, imag_norm = 0.0;
    SPNODE_PETSC(VecNorm(real.get(), NORM_2, &real_norm));
    SPNODE_PETSC(VecNorm(imag.get(), NORM_2, &imag_norm));
    const double scale = (paired ? std::sqrt(2.0) : 1.0) / std::hypot(real_norm, imag_norm);
    parts = paired && i + 1 < n ? 2 : 1;
    for (std::size_t part = 0; part < parts; ++part) {
      const PetscScalar* values = nullptr;
      const Vec vector = part == 0 ? real.get() : imag.get();
      SPNODE_PETSC(VecGetArrayRead(vector, &values));
      for (std::size_t k = 0; k < n; ++k) columns[(i + part) * n + k] = scale * values[k];
      SPNODE_PETSC(VecRestoreArrayRead(vector, &values));
    }
  }
  const std::vector<double> sigma = singular_values(columns, n);
  return sigma.back() > 0.0 ? sigma.front() / sigma.back() : std::numeric_limits<double>::infinity();
}

bool respects_bound(const Problem& problem, const std::vector<Eigenvalue>& eigenvalues) {
  const double norm = core::frobenius_norm({{core::LinearStructure::dense, problem.n}, problem.matrix});
  const double change = detail::harmless_change(problem.options, problem.n, norm);
  return std::all_of(eigenvalues.begin(), eigenvalues.end(), [&](const Eigenvalue& value) {
    return value.imag < 0.0 ||  // as its conjugate
           check_bound(problem.matrix, problem.n, value, problem.bound, change + value.residual) ==
               Verdict::kept;
  });
}

/// A report without its verdict, and the eigenvalues that the verdict is about.
struct Analysis {
  SpectrumReport report;
  std::vector<Eigenvalue> judged;
};

/// Collective on `comm`.
Analysis analyse(MPI_Comm comm, const Problem& problem) {
  const MatHandle matrix = make_matrix(comm, problem.matrix, problem.n, Part::whole);
  const EigenSolver solver(matrix.get(), problem.settings(Symmetry::general, problem.wanted(), ""));
  std::vector<Eigenvalue> judged = solver.eigenvalues(solver.converged());

  SpectrumReport report;
  report.name = problem.options.name;
  report.method = solver.method();
  report.dimension = problem.n;
  report.wanted = solver.wanted();
  report.converged = solver.converged();
  report.bound = problem.bound;
  report.eigenvalues =
      detail::sorted({judged.begin(), judged.begin() + static_cast<std::ptrdiff_t>(solver.listed())});
  if (!solver.is_rightmost_first() && solver.converged() < problem.n) {
    const EigenSolver rightmost(matrix.get(), problem.settings(Symmetry::general, 1, "spectrum_rightmost_"));
    const auto more = rightmost.eigenvalues(rightmost.converged());
    judged.insert(judged.end(), more.begin(), more.end());
  }
  report.spectral_abscissa = detail::largest_real_part(judged);
  if (problem.is_dense() && solver.converged() == problem.n)
    report.eigenvector_condition = condition_of_eigenvectors(solver, matrix.get(), problem.n);

  const MatHandle symmetric = make_matrix(comm, problem.matrix, problem.n, Part::symmetric);
  const EigenSolver numerical(symmetric.get(), problem.settings(Symmetry::symmetric, 1, symmetric_prefix));
  report.numerical_abscissa = detail::largest_real_part(numerical.eigenvalues(1));
  return {report, judged};
}

}  // namespace

SpectrumReport compute_spectrum(const parallel::Communicator& comm, std::span<const double> matrix,
                                double bound, const SpectrumOptions& options) {
  const Problem problem = make_problem(matrix, bound, options);
  Analysis analysis;
  if (!problem.is_dense()) analysis = analyse(comm.handle(), problem);
  parallel::collectively(comm, [&] {
    if (!comm.is_root()) return;
    if (problem.is_dense()) analysis = analyse(PETSC_COMM_SELF, problem);
    analysis.report.bound_respected = respects_bound(problem, analysis.judged);
  });
  detail::broadcast(comm, analysis.report);
  return analysis.report;
}

void check_spectrum_options() {
  constexpr std::size_t n = 64;
  std::vector<double> diagonal(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) diagonal[i * n + i] = 1.0 + static_cast<double>(i);
  const MatHandle matrix = make_matrix(PETSC_COMM_SELF, diagonal, n, Part::whole);
  SpectrumOptions dense, sparse;
  sparse.dense_limit = 0;
  const auto check = [&](const SpectrumOptions& options) {
    const Problem problem = make_problem(diagonal, 0.0, options);
    EigenSolver::check_options(matrix.get(), problem.settings(Symmetry::general, problem.wanted(), ""));
    EigenSolver::check_options(matrix.get(), problem.settings(Symmetry::symmetric, 1, symmetric_prefix));
  };
  try {
    check(dense);
  } catch (const UsageError&) {
    check(sparse);  // the size of the matrix, and so the method, is not known yet
  }
}

std::vector<Finding> findings(const SpectrumReport& report) {
  std::vector<Finding> list = {
      {"spectral_abscissa", report.spectral_abscissa, report.bound, report.bound_respected},
      {"numerical_abscissa", report.numerical_abscissa, std::nullopt, true}};
  if (report.eigenvector_condition)
    list.push_back({"eigenvector_condition", *report.eigenvector_condition, std::nullopt, true});
  return list;
}

}  // namespace spnode::spectral
