#pragma once
/// What the methods of the POD share.

#include "spectral/pod.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spnode::spectral::detail {

/// Largest order of a matrix of which all eigenvectors are computed.
inline constexpr std::size_t largest_order = 4096;

/// Of the snapshots of all ranks.
struct SnapshotTotals {
  std::uint64_t snapshots = 0, chunks = 0;
  double squares = 0.0;  ///< of all numbers; an exact sum over chunks
};

/// Eigenvectors of the largest eigenvalues of a symmetric matrix.
struct LeadingVectors {
  std::vector<double> vectors;  ///< (d, order) row major
  std::vector<double> roots;    ///< (at least d): square roots of eigenvalues, in descending order
};

/// All eigenvalues of `matrix` (order, order) and the first `wanted` vectors, by LAPACK on rank 0, on all
/// ranks. Collective. `matrix` matters on rank 0 alone.
LeadingVectors dense_eigenvectors(const parallel::Communicator& comm, std::span<const double> matrix,
                                  std::size_t order, std::size_t wanted);

/// X^T X / s, (m, m), the same bits for every number of ranks. Collective.
std::vector<double> covariance(const parallel::Communicator& comm, const LocalSnapshots& local,
                               const SnapshotTotals& totals);

/// The modes by the method of snapshots, in pod.modes; none where fewer are above rounding. Sets the singular
/// values. Collective.
void decompose_snapshots(const parallel::Communicator& comm, const LocalSnapshots& local,
                         const SnapshotTotals& totals, std::size_t modes, Pod& pod);

/// The modes by Lanczos' method, in pod.modes. Sets the singular values. Collective.
void decompose_by_lanczos(const parallel::Communicator& comm, const LocalSnapshots& local,
                          const SnapshotTotals& totals, std::size_t modes, Pod& pod);

/// Makes modes (d, m) orthonormal that are so up to rounding of their matrix: Cholesky QR, twice; a mode
/// changes by multiples of those before it. Collective; `modes` is the same on all ranks.
void orthonormalise(const parallel::Communicator& comm, std::size_t dimension, std::span<double> modes);

/// Numbers of a part of the snapshots that are held at a time.
inline constexpr std::size_t part_numbers = std::size_t(1) << 21;

/// Whether the covariance of so many snapshots is added in bands, which take the memory of the snapshots.
inline bool takes_bands(std::size_t dimension, std::uint64_t snapshots) {
  constexpr double most_numbers = 1 << 24;
  return static_cast<double>(dimension) * static_cast<double>(snapshots) <= most_numbers;
}

/// Dimension of Lanczos' space for so many modes.
std::size_t lanczos_space(std::size_t modes);

}  // namespace spnode::spectral::detail
