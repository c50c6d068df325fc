#include "spectral/pod.hpp"

#include "parallel/broadcast.hpp"
#include "parallel/exact_sum.hpp"
#include "petsc/petsc.hpp"
#include "spectral/dense_matrix.hpp"
#include "spectral/eigen_solver.hpp"

#include <petscblaslapack.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace spnode::spectral {

namespace {

constexpr std::size_t largest_dimension = 4096;

void check_sizes(std::size_t dimension, std::size_t modes) {
  if (dimension == 0 || dimension > largest_dimension)
    throw UsageError("POD of snapshots of " + std::to_string(dimension) + " components: 1 to " +
                     std::to_string(largest_dimension) + " are possible (the covariance is dense)");
  if (modes == 0 || modes > dimension)
    throw UsageError("POD with " + std::to_string(modes) + " modes of snapshots of " +
                     std::to_string(dimension) + " components: 1 to " + std::to_string(dimension) +
                     " are possible");
}

/// Numbers of snapshots and chunks over all ranks.
struct Totals {
  std::uint64_t snapshots = 0, chunks = 0;
};

/// Collective.
Totals count(const parallel::Communicator& comm, const LocalSnapshots& local) {
  std::uint64_t totals[2] = {0, local.chunks};
  parallel::collectively(comm, [&] {
    for (std::size_t i = 0; i < local.chunks; ++i) {
      const std::size_t entries = local.chunk(i).size();
      if (entries % local.dimension != 0)
        throw UsageError("POD: chunk " + std::to_string(i) + " of rank " + std::to_string(comm.rank()) +
                         " has " + std::to_string(entries) + " entries, no multiple of " +
                         std::to_string(local.dimension));
      totals[0] += entries / local.dimension;
    }
  });
  MPI_Allreduce(MPI_IN_PLACE, totals, 2, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (totals[0] == 0) throw UsageError("POD: there are no snapshots");
  return {totals[0], totals[1]};
}

/// Rows [begin, end) of X^T X, from column `begin` on: out (end - begin, m - begin).
void multiply_band(std::span<const double> chunk, std::size_t m, std::size_t begin, std::size_t end,
                   double* out) {
  const auto rows = static_cast<PetscBLASInt>(chunk.size() / m), stride = static_cast<PetscBLASInt>(m);
  const auto columns = static_cast<PetscBLASInt>(m - begin), height = static_cast<PetscBLASInt>(end - begin);
  const double one = 1.0, zero = 0.0;
  if (rows == 0) return;
  BLASgemm_("N", "T", &columns, &height, &rows, &one, chunk.data() + begin, &stride, chunk.data() + begin,
            &stride, &zero, out, &columns);
}

/// X^T X / (number of snapshots), (m, m), the same bits for every number of ranks. Collective.
///
/// In bands of rows, since every chunk keeps its own products until they are added. A band is as high as a
/// chunk has snapshots on average: as much memory as the chunks take, and known from the data set alone.
std::vector<double> covariance(const parallel::Communicator& comm, const LocalSnapshots& local) {
  const std::size_t m = local.dimension;
  const Totals totals = count(comm, local);
  const std::size_t height = std::clamp<std::size_t>(totals.snapshots / totals.chunks, 1, m);
  std::vector<double> matrix(m * m), products;
  for (std::size_t begin = 0; begin < m; begin += height) {
    const std::size_t end = std::min(begin + height, m), width = m - begin, band = (end - begin) * width;
    parallel::collectively(comm, [&] {
      products.assign(local.chunks * band, 0.0);
      for (std::size_t i = 0; i < local.chunks; ++i)
        multiply_band(local.chunk(i), m, begin, end, products.data() + i * band);
    });
    const auto sum = parallel::exact_sum(comm, products, band);
    if (!sum) throw NumericalError("POD: a snapshot is not finite, or too large to be squared");
    for (std::size_t i = begin; i < end; ++i)
      for (std::size_t j = i; j < m; ++j)
        matrix[i * m + j] = matrix[j * m + i] =
            (*sum)[(i - begin) * width + j - begin] / static_cast<double>(totals.snapshots);
  }
  return matrix;
}

/// Turns a mode so that of its entries of largest magnitude the first is positive. Entries that differ by
/// rounding alone, as those of a wave do, count as equal.
void fix_sign(std::span<double> mode) {
  double largest = 0.0;
  for (const double x : mode) largest = std::max(largest, std::abs(x));
  const auto leading =
      std::find_if(mode.begin(), mode.end(), [&](double x) { return std::abs(x) >= (1.0 - 1e-8) * largest; });
  if (leading != mode.end() && *leading < 0.0)
    for (double& x : mode) x = -x;
}

/// Modes and singular values of the covariance. Not collective.
void solve(std::span<const double> matrix, std::size_t modes, Pod& pod) {
  const std::size_t m = pod.dimension;
  const MatHandle operand = make_matrix(PETSC_COMM_SELF, matrix, m, Part::whole);
  const EigenSolver solver(
      operand.get(), {Symmetry::symmetric, EigenMethod::all_by_lapack, m, EigenSettings{}.tolerance, "pod_"});
  if (solver.converged() < m)
    throw NumericalError("POD: only " + std::to_string(solver.converged()) + " of " + std::to_string(m) +
                         " eigenvalues of the covariance converged");
  petsc::VecHandle vector;
  SPNODE_PETSC(MatCreateVecs(operand.get(), vector.put(), nullptr));
  pod.modes.resize(modes * m);
  pod.singular_values.resize(m);
  for (std::size_t i = 0; i < m; ++i) {
    const double variance = solver.eigenpair(i, vector.get(), nullptr).real;
    pod.singular_values[i] = std::sqrt(std::max(variance, 0.0));  // rounding makes zero ones negative
    if (i >= modes) continue;
    const PetscScalar* values = nullptr;
    SPNODE_PETSC(VecGetArrayRead(vector.get(), &values));
    std::copy_n(values, m, pod.modes.data() + i * m);
    SPNODE_PETSC(VecRestoreArrayRead(vector.get(), &values));
    fix_sign(std::span(pod.modes).subspan(i * m, m));
  }
}

/// Replaces `values` by those of rank 0. Collective.
void broadcast(const parallel::Communicator& comm, std::vector<double>& values) {
  std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  parallel::broadcast(comm, bytes);
  values.resize(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), bytes.size());
}

double sum_of_squares(std::span<const double> values) {
  double sum = 0.0;
  for (std::size_t i = values.size(); i-- > 0;) sum += values[i] * values[i];  // the small ones first
  return sum;
}

}  // namespace

double pod_bytes(std::size_t dimension, std::size_t chunks, std::size_t snapshots) {
  // The covariance, PETSc's copy, and LAPACK's matrix, vectors and work space in SLEPc's DS and BV.
  constexpr double matrices = 6.0;
  const auto m = static_cast<double>(dimension);
  const double band = std::min(static_cast<double>(snapshots), m) * m;
  return (static_cast<double>(chunks) * band + matrices * m * m) * sizeof(double);
}

std::size_t Pod::rank() const {
  const double rounding = std::sqrt(static_cast<double>(dimension) * std::numeric_limits<double>::epsilon());
  return static_cast<std::size_t>(std::ranges::count_if(
      singular_values, [&](double value) { return value > rounding * singular_values.front(); }));
}

Pod compute_pod(const parallel::Communicator& comm, const LocalSnapshots& snapshots, std::size_t modes) {
  check_sizes(snapshots.dimension, modes);
  Pod pod;
  pod.dimension = snapshots.dimension;
  const std::vector<double> matrix = covariance(comm, snapshots);
  parallel::collectively(comm, [&] {
    if (comm.is_root()) solve(matrix, modes, pod);
  });
  broadcast(comm, pod.modes);
  broadcast(comm, pod.singular_values);

  const std::span<const double> sigma = pod.singular_values;
  const double kept = sum_of_squares(sigma.first(modes)), lost = sum_of_squares(sigma.subspan(modes));
  if (kept == 0.0) throw NumericalError("POD: all snapshots are zero");
  pod.captured_energy = kept / (kept + lost);
  pod.mean_residual = std::sqrt(lost / (kept + lost));
  return pod;
}

}  // namespace spnode::spectral
