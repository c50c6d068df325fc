#include "parallel/exact_sum.hpp"
#include "petsc/petsc.hpp"
#include "spectral/pod_detail.hpp"

#include <petscblaslapack.h>

#include <algorithm>

namespace spnode::spectral::detail {

namespace {

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

/// Part by part into a sum that takes (m, m), in one pass over the snapshots.
std::vector<double> by_parts(const parallel::Communicator& comm, const LocalSnapshots& local,
                             const SnapshotTotals& totals) {
  const std::size_t m = local.dimension, some = std::max<std::size_t>(1, part_numbers / m);
  const auto order = static_cast<PetscBLASInt>(m);
  const double scale = 1.0 / static_cast<double>(totals.snapshots), zero = 0.0;
  std::vector<double> matrix(m * m, 0.0), part;
  parallel::ExactAccumulator sum(comm, m * m, totals.squares * scale, totals.snapshots);
  parallel::collectively(comm, [&] {
    for (std::size_t i = 0; i < local.chunks.size(); ++i)
      for (std::size_t first = 0; first < local.chunks[i]; first += some) {
        const parallel::Range rows{first, std::min(first + some, local.chunks[i])};
        const auto count = static_cast<PetscBLASInt>(rows.size());
        part.resize(rows.size() * m);
        local.read({i, rows, {0, m}}, part);
        BLASsyrk_("U", "N", &order, &count, &scale, part.data(), &order, &zero, matrix.data(), &order);
        sum.add(matrix);
      }
  });
  if (sum.sum(matrix) == parallel::SumStatus::non_finite)
    throw NumericalError("POD: products of snapshots are not finite");
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < i; ++j) matrix[j * m + i] = matrix[i * m + j];
  return matrix;
}

/// In bands of rows, since every chunk keeps its own products until they are added. A band is as high as a
/// chunk has snapshots on average: as much memory as the chunks take, and known from the data set alone.
std::vector<double> by_bands(const parallel::Communicator& comm, const LocalSnapshots& local,
                             const SnapshotTotals& totals) {
  const std::size_t m = local.dimension;
  const std::size_t height = std::clamp<std::size_t>(totals.snapshots / totals.chunks, 1, m);
  std::vector<double> matrix(m * m), products, chunk;
  for (std::size_t begin = 0; begin < m; begin += height) {
    const std::size_t end = std::min(begin + height, m), width = m - begin, band = (end - begin) * width;
    parallel::collectively(comm, [&] {
      products.assign(local.chunks.size() * band, 0.0);
      for (std::size_t i = 0; i < local.chunks.size(); ++i) {
        chunk.resize(local.chunks[i] * m);
        local.read({i, {0, local.chunks[i]}, {0, m}}, chunk);
        multiply_band(chunk, m, begin, end, products.data() + i * band);
      }
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

}  // namespace

// Bands keep entries of any ratio to full precision, but need as much memory as the snapshots.
std::vector<double> covariance(const parallel::Communicator& comm, const LocalSnapshots& local,
                               const SnapshotTotals& totals) {
  return takes_bands(local.dimension, totals.snapshots) ? by_bands(comm, local, totals)
                                                        : by_parts(comm, local, totals);
}

}  // namespace spnode::spectral::detail
