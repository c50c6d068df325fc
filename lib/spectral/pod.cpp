#include "spectral/pod.hpp"

#include "parallel/broadcast.hpp"
#include "parallel/exact_sum.hpp"
#include "petsc/vec_view.hpp"
#include "spectral/dense_matrix.hpp"
#include "spectral/eigen_solver.hpp"
#include "spectral/pod_detail.hpp"

#include <petscblaslapack.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace spnode::spectral {

namespace {

using detail::SnapshotTotals;

void check_sizes(std::size_t dimension, std::size_t modes) {
  if (modes == 0 || modes > dimension)
    throw UsageError("POD with " + std::to_string(modes) + " modes of snapshots of " +
                     std::to_string(dimension) + " components: 1 to " + std::to_string(dimension) +
                     " are possible");
}

/// Sum of the squares of a chunk, a few snapshots at a time.
double squares_of(const LocalSnapshots& local, std::size_t chunk) {
  const std::size_t m = local.dimension, some = std::max<std::size_t>(1, detail::part_numbers / m);
  std::vector<double> numbers;
  double sum = 0.0;
  for (std::size_t first = 0; first < local.chunks[chunk]; first += some) {
    const LocalSnapshots::Part part{chunk, {first, std::min(first + some, local.chunks[chunk])}, {0, m}};
    numbers.resize(part.size());
    local.read(part, numbers);
    for (const double x : numbers) sum += x * x;
  }
  return sum;
}

/// Collective.
SnapshotTotals totals_of(const parallel::Communicator& comm, const LocalSnapshots& local) {
  std::uint64_t counts[2] = {0, local.chunks.size()};
  for (const std::size_t chunk : local.chunks) counts[0] += chunk;
  MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (counts[0] == 0) throw UsageError("POD: there are no snapshots");
  std::vector<double> squares(local.chunks.size());
  parallel::collectively(comm, [&] {
    for (std::size_t i = 0; i < local.chunks.size(); ++i) squares[i] = squares_of(local, i);
  });
  const auto sum = parallel::exact_sum(comm, squares, 1);
  if (!sum) throw NumericalError("POD: a snapshot is not finite, or too large to be squared");
  if (sum->front() == 0.0) throw NumericalError("POD: all snapshots are zero");
  return {counts[0], counts[1], sum->front()};
}

/// For s snapshots of m components.
PodMethod method_by_size(std::size_t m, std::uint64_t s) {
  if (m <= detail::largest_order && m / 2 <= s) return PodMethod::covariance;
  return s <= detail::largest_order ? PodMethod::snapshots : PodMethod::lanczos;
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

/// Modes and singular values by a method.
void decompose(const parallel::Communicator& comm, const LocalSnapshots& snapshots,
               const SnapshotTotals& totals, std::size_t modes, Pod& pod) {
  const std::size_t m = snapshots.dimension;
  if (pod.method == PodMethod::lanczos)
    return detail::decompose_by_lanczos(comm, snapshots, totals, modes, pod);
  if (pod.method == PodMethod::snapshots) {
    detail::decompose_snapshots(comm, snapshots, totals, modes, pod);
    if (!pod.modes.empty()) return;
    if (m > detail::largest_order)
      throw UsageError("POD with " + std::to_string(modes) + " modes: " + std::to_string(totals.snapshots) +
                       " snapshots have " + std::to_string(pod.rank()) +
                       " above rounding; take at most these");
    pod.method = PodMethod::covariance;
  }
  pod.order = m;
  auto [vectors, roots] =
      detail::dense_eigenvectors(comm, detail::covariance(comm, snapshots, totals), m, modes);
  pod.modes = std::move(vectors);
  pod.singular_values = std::move(roots);
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

/// Eigenvalues and vectors of a matrix of rank 0. Not collective.
detail::LeadingVectors solve(std::span<const double> matrix, std::size_t order, std::size_t wanted) {
  const MatHandle operand = make_matrix(PETSC_COMM_SELF, matrix, order, Part::whole);
  const EigenSolver solver(operand.get(), {.symmetry = Symmetry::symmetric,
                                           .method = EigenMethod::all_by_lapack,
                                           .wanted = order,
                                           .prefix = "pod_"});
  if (solver.converged() < order)
    throw NumericalError("POD: only " + std::to_string(solver.converged()) + " of " + std::to_string(order) +
                         " eigenvalues converged");
  petsc::VecHandle vector;
  SPNODE_PETSC(MatCreateVecs(operand.get(), vector.put(), nullptr));
  detail::LeadingVectors leading;
  for (std::size_t i = 0; i < order; ++i) {
    const double value = solver.eigenpair(i, vector.get(), nullptr).real;
    leading.roots.push_back(std::sqrt(std::max(value, 0.0)));  // rounding makes zero ones negative
    if (i >= wanted) continue;
    const petsc::VecView<const double> values(vector.get(), order);
    leading.vectors.insert(leading.vectors.end(), values.span().begin(), values.span().end());
  }
  return leading;
}

}  // namespace

namespace detail {

LeadingVectors dense_eigenvectors(const parallel::Communicator& comm, std::span<const double> matrix,
                                  std::size_t order, std::size_t wanted) {
  LeadingVectors leading;
  parallel::collectively(comm, [&] {
    if (comm.is_root()) leading = solve(matrix, order, wanted);
  });
  broadcast(comm, leading.vectors);
  broadcast(comm, leading.roots);
  return leading;
}

void orthonormalise(const parallel::Communicator& comm, std::size_t dimension, std::span<double> modes) {
  constexpr std::size_t width = 4096;  // of a block of components whose products one rank computes
  const std::size_t d = modes.size() / dimension, blocks = (dimension + width - 1) / width;
  const auto count = static_cast<PetscBLASInt>(d), stride = static_cast<PetscBLASInt>(dimension);
  const double one = 1.0, zero = 0.0;
  const auto own =
      parallel::share(blocks, static_cast<std::size_t>(comm.size()), static_cast<std::size_t>(comm.rank()));
  std::vector<double> products(d * d, 0.0);
  for (int pass = 0; pass < 2; ++pass) {
    parallel::ExactAccumulator sum(comm, d * d, 2.0, blocks);
    for (std::size_t block = own.begin; block < own.end; ++block) {
      const auto columns = static_cast<PetscBLASInt>(std::min(width, dimension - block * width));
      BLASsyrk_("U", "T", &count, &columns, &one, modes.data() + block * width, &stride, &zero,
                products.data(), &count);
      sum.add(products);
    }
    PetscBLASInt failed = sum.sum(products) == parallel::SumStatus::non_finite ? 1 : 0;
    if (failed == 0) LAPACKpotrf_("U", &count, products.data(), &count, &failed);
    if (failed != 0) throw NumericalError("POD: the modes are linearly dependent");
    BLAStrsm_("R", "U", "N", "N", &stride, &count, &one, products.data(), &count, modes.data(), &stride);
  }
}

}  // namespace detail

double pod_bytes(const PodSizes& sizes) {
  const auto m = static_cast<double>(sizes.dimension), d = static_cast<double>(sizes.modes);
  // A dense matrix, PETSc's copy, and LAPACK's matrix, vectors and work space in SLEPc's DS and BV.
  constexpr double matrices = 6.0;
  // Modes are held twice when they are given to all ranks, and as a start of a model.
  double numbers = 3.0 * m * d;
  switch (method_by_size(sizes.dimension, sizes.all_snapshots)) {
    case PodMethod::snapshots:
      numbers +=
          matrices * std::pow(static_cast<double>(sizes.all_snapshots), 2) + 4.0 * detail::part_numbers;
      break;
    case PodMethod::lanczos:
      numbers += m * static_cast<double>(detail::lanczos_space(sizes.modes) + 8) + detail::part_numbers;
      break;
    default: {
      const double band = std::min(static_cast<double>(sizes.snapshots), m) * m;
      numbers = matrices * m * m;
      if (detail::takes_bands(sizes.dimension, sizes.all_snapshots))
        numbers += static_cast<double>(sizes.chunks) * band + static_cast<double>(sizes.snapshots) * m;
      else
        numbers += 2.0 * m * m + detail::part_numbers;  // the sum
    }
  }
  return numbers * sizeof(double);
}

std::size_t Pod::rank() const {
  const double rounding = std::sqrt(static_cast<double>(order) * std::numeric_limits<double>::epsilon());
  return static_cast<std::size_t>(std::ranges::count_if(
      singular_values, [&](double value) { return value > rounding * singular_values.front(); }));
}

Pod compute_pod(const parallel::Communicator& comm, const LocalSnapshots& snapshots, std::size_t modes,
                PodMethod method) {
  check_sizes(snapshots.dimension, modes);
  const SnapshotTotals totals = totals_of(comm, snapshots);
  Pod pod;
  pod.dimension = snapshots.dimension;
  pod.method = method == PodMethod::by_size ? method_by_size(snapshots.dimension, totals.snapshots) : method;
  decompose(comm, snapshots, totals, modes, pod);
  for (std::size_t k = 0; k < modes; ++k)
    fix_sign(std::span(pod.modes).subspan(k * pod.dimension, pod.dimension));

  const std::span<const double> sigma = pod.singular_values;
  const double kept = sum_of_squares(sigma.first(modes));
  const double lost = pod.method == PodMethod::lanczos
                          ? std::max(0.0, totals.squares / static_cast<double>(totals.snapshots) - kept)
                          : sum_of_squares(sigma.subspan(modes));
  if (kept == 0.0) throw NumericalError("POD: all snapshots are zero");
  pod.captured_energy = kept / (kept + lost);
  pod.mean_residual = std::sqrt(lost / (kept + lost));
  return pod;
}

}  // namespace spnode::spectral
