// The method of snapshots (Sirovich 1987): with the eigenvectors v of X X^T, modes are X^T v / sigma.
#include "parallel/count.hpp"
#include "parallel/exact_sum.hpp"
#include "petsc/petsc.hpp"
#include "spectral/pod_detail.hpp"

#include <petscblaslapack.h>

#include <algorithm>
#include <cmath>

namespace spnode::spectral::detail {

namespace {

/// All snapshots in blocks of components, which the ranks take in turn: in a round each rank has one. Blocks
/// do not depend on the number of ranks.
class ComponentBlocks {
 public:
  /// Collective; keeps references.
  ComponentBlocks(const parallel::Communicator& comm, const LocalSnapshots& local, std::uint64_t snapshots)
      : comm_(comm), local_(local), snapshots_(snapshots), ranks_(static_cast<std::size_t>(comm.size())) {
    constexpr std::size_t narrowest = 64, widest = 4096;
    width_ = std::min(local.dimension, std::clamp(part_numbers / snapshots, narrowest, widest));
    for (const std::size_t chunk : local.chunks) own_ += chunk;
    std::uint64_t own = own_;
    rows_.resize(ranks_);
    MPI_Allgather(&own, 1, MPI_UINT64_T, rows_.data(), 1, MPI_UINT64_T, comm.handle());
  }

  std::size_t width() const { return width_; }
  std::size_t count() const { return (local_.dimension + width_ - 1) / width_; }
  std::size_t rounds() const { return (count() + ranks_ - 1) / ranks_; }

  /// The components of a rank in a round; may be none.
  parallel::Range components(std::size_t round, std::size_t rank) const {
    const std::size_t begin = std::min((round * ranks_ + rank) * width_, local_.dimension);
    return {begin, std::min(begin + width_, local_.dimension)};
  }
  parallel::Range own_components(std::size_t round) const {
    return components(round, static_cast<std::size_t>(comm_.rank()));
  }

  /// The block of this rank, (snapshots, components) row major, valid until the next call. Collective.
  std::span<const double> receive(std::size_t round) {
    parallel::collectively(comm_, [&] { pack(round); });
    MPI_Alltoallv(sent_.data(), send_counts_.data(), send_places_.data(), MPI_DOUBLE, received_.data(),
                  receive_counts_.data(), receive_places_.data(), MPI_DOUBLE, comm_.handle());
    return received_;
  }

 private:
  void pack(std::size_t round) {
    std::vector<std::size_t> own(ranks_), other(ranks_);
    const std::size_t width = own_components(round).size();
    for (std::size_t rank = 0; rank < ranks_; ++rank) {
      own[rank] = own_ * components(round, rank).size();
      other[rank] = rows_[rank] * width;
    }
    sent_.resize(place(own, send_counts_, send_places_));
    received_.resize(place(other, receive_counts_, receive_places_));
    double* out = sent_.data();
    for (std::size_t rank = 0; rank < ranks_; ++rank)
      for (std::size_t i = 0; i < local_.chunks.size(); ++i) {
        const LocalSnapshots::Part part{i, {0, local_.chunks[i]}, components(round, rank)};
        if (part.size() == 0) continue;
        local_.read(part, {out, part.size()});
        out += part.size();
      }
  }

  /// Counts and displacements of a message in so many pieces; gives its length.
  static std::size_t place(const std::vector<std::size_t>& pieces, std::vector<int>& counts,
                           std::vector<int>& places) {
    std::size_t total = 0;
    counts.clear();
    places.clear();
    for (const std::size_t piece : pieces) {
      places.push_back(parallel::mpi_count(total));
      counts.push_back(parallel::mpi_count(piece));
      total += piece;
    }
    return total;
  }

  const parallel::Communicator& comm_;
  const LocalSnapshots& local_;
  std::uint64_t snapshots_;
  std::size_t ranks_, width_ = 1, own_ = 0;
  std::vector<std::uint64_t> rows_;  // snapshots of each rank
  std::vector<double> sent_, received_;
  std::vector<int> send_counts_, send_places_, receive_counts_, receive_places_;
};

/// X X^T / s, (s, s). Collective.
std::vector<double> scalar_products(const parallel::Communicator& comm, ComponentBlocks& blocks,
                                    const SnapshotTotals& totals) {
  const std::size_t s = totals.snapshots;
  const auto order = static_cast<PetscBLASInt>(s);
  const double scale = 1.0 / static_cast<double>(s), zero = 0.0;
  std::vector<double> matrix(s * s, 0.0);
  parallel::ExactAccumulator sum(comm, s * s, totals.squares * scale, blocks.count());
  for (std::size_t round = 0; round < blocks.rounds(); ++round) {
    const std::span<const double> X = blocks.receive(round);
    const auto width = static_cast<PetscBLASInt>(blocks.own_components(round).size());
    if (width == 0) continue;
    BLASsyrk_("L", "T", &order, &width, &scale, X.data(), &width, &zero, matrix.data(), &order);
    sum.add(matrix);
  }
  if (sum.sum(matrix) == parallel::SumStatus::non_finite)
    throw NumericalError("POD: scalar products of snapshots are not finite");
  for (std::size_t i = 0; i < s; ++i)
    for (std::size_t j = 0; j < i; ++j) matrix[i * s + j] = matrix[j * s + i];
  return matrix;
}

/// X^T v / (sigma sqrt(s)) for the rows v of vectors (d, s): (d, m), on all ranks. Collective.
std::vector<double> modes_of(const parallel::Communicator& comm, ComponentBlocks& blocks, std::size_t m,
                             std::uint64_t s, LeadingVectors& leading) {
  const std::size_t d = leading.vectors.size() / s;
  for (std::size_t k = 0; k < d; ++k)
    for (double& entry : std::span(leading.vectors).subspan(k * s, s))
      entry /= leading.roots[k] * std::sqrt(static_cast<double>(s));
  const auto rows = static_cast<PetscBLASInt>(s), count = static_cast<PetscBLASInt>(d);
  const double one = 1.0, zero = 0.0;
  const std::size_t ranks = static_cast<std::size_t>(comm.size()), piece = d * blocks.width();
  std::vector<double> modes(d * m), own(piece), all(piece * ranks);
  for (std::size_t round = 0; round < blocks.rounds(); ++round) {
    const std::span<const double> X = blocks.receive(round);
    const auto width = static_cast<PetscBLASInt>(blocks.own_components(round).size());
    if (width > 0)
      BLASgemm_("N", "N", &width, &count, &rows, &one, X.data(), &width, leading.vectors.data(), &rows, &zero,
                own.data(), &width);
    MPI_Allgather(own.data(), parallel::mpi_count(piece), MPI_DOUBLE, all.data(), parallel::mpi_count(piece),
                  MPI_DOUBLE, comm.handle());
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const parallel::Range range = blocks.components(round, rank);
      for (std::size_t k = 0; k < d; ++k)
        std::copy_n(all.data() + rank * piece + k * range.size(), range.size(),
                    modes.data() + k * m + range.begin);
    }
  }
  return modes;
}

}  // namespace

void decompose_snapshots(const parallel::Communicator& comm, const LocalSnapshots& local,
                         const SnapshotTotals& totals, std::size_t modes, Pod& pod) {
  pod.order = totals.snapshots;
  ComponentBlocks blocks(comm, local, totals.snapshots);
  LeadingVectors leading = dense_eigenvectors(comm, scalar_products(comm, blocks, totals), pod.order,
                                              std::min<std::size_t>(modes, pod.order));
  pod.singular_values = leading.roots;
  if (pod.rank() < modes) return;
  pod.modes = modes_of(comm, blocks, local.dimension, totals.snapshots, leading);
  orthonormalise(comm, local.dimension, pod.modes);
}

}  // namespace spnode::spectral::detail
