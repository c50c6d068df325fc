#pragma once
/// Proper orthogonal decomposition of snapshots that are spread over ranks.

#include "parallel/communicator.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace spnode::spectral {

/// The snapshots of this rank in chunks. A chunk is what no number of ranks ever splits, such as one
/// trajectory's snapshots.
struct LocalSnapshots {
  std::size_t dimension = 0;  ///< m, components of a snapshot; the same on all ranks
  std::size_t chunks = 0;     ///< of this rank; may be none
  /// Chunk number i < chunks: (any number, m) row major, valid until the next call. Called several times for
  /// each i, with the same result each time; must not communicate.
  std::function<std::span<const double>(std::size_t i)> chunk;
};

/// Orthonormal modes of the largest mean energy: x is near modes^T (modes x).
///
/// Taken about the origin, without removing the mean: snapshots are to be centred (and scaled) before.
struct Pod {
  std::size_t dimension = 0;  ///< m
  std::vector<double> modes;  ///< (d, m) row major, by descending singular value; of the entries as large
                              ///< in magnitude as any (to 1e-8), the first one is positive
  /// (m) of the snapshot matrix over the square root of its rows: the rms amplitude of a mode.
  std::vector<double> singular_values;
  double captured_energy = 0.0;  ///< sum of the d largest squared singular values over the sum of all
  double mean_residual = 0.0;    ///< rms over snapshots of ||x - modes^T modes x||, over the rms of ||x||

  /// Singular values above the rounding of the covariance they come from, sqrt(m eps) of the largest.
  std::size_t rank() const;
};

/// The first `modes` modes of all ranks' snapshots (Sirovich 1987: eigenvectors of the m x m covariance).
/// Collective.
///
/// The same bits for every number of ranks: chunks' covariances are added exactly (parallel::exact_sum), and
/// rank 0 alone solves the eigenvalue problem (SLEPc, EPSLAPACK, keys with the prefix pod_) and gives the
/// result to all. Beside the chunks a rank needs at most as much memory again, and two m x m matrices (rank 0
/// some more).
///
/// Raises on all ranks: UsageError where modes or m is out of range (1 <= modes <= m <= 4096) or there is no
/// snapshot; NumericalError where a snapshot is not finite, all are zero or products of them overflow.
Pod compute_pod(const parallel::Communicator& comm, const LocalSnapshots& snapshots, std::size_t modes);

/// Bytes that compute_pod() takes, about, for so many chunks of so many snapshots on a rank. Not collective.
double pod_bytes(std::size_t dimension, std::size_t chunks, std::size_t snapshots);

}  // namespace spnode::spectral
