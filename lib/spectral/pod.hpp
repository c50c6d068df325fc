#pragma once
/// Proper orthogonal decomposition of snapshots that are spread over ranks.

#include "parallel/communicator.hpp"
#include "parallel/partition.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace spnode::spectral {

/// The snapshots of this rank in chunks. A chunk is what no number of ranks ever splits, such as one
/// trajectory's snapshots.
struct LocalSnapshots {
  std::size_t dimension = 0;        ///< m, components of a snapshot; the same on all ranks
  std::vector<std::size_t> chunks;  ///< snapshots of each chunk of this rank; may be none

  /// Some components of some snapshots of a chunk.
  struct Part {
    std::size_t chunk;
    parallel::Range snapshots, components;
    std::size_t size() const { return snapshots.size() * components.size(); }
  };
  /// Overwrites out (snapshots, components), row major. Called several times for each part, with the same
  /// result each time; must not communicate.
  std::function<void(const Part& part, std::span<double> out)> read;
};

/// How modes are computed of s snapshots of m components.
enum class PodMethod {
  by_size,     ///< the cheapest of the others
  covariance,  ///< all eigenvectors of the covariance, (m, m)
  snapshots,   ///< Sirovich's method of snapshots: those of the scalar products of snapshots, (s, s)
  lanczos      ///< some eigenvectors of the covariance by its products with vectors
};

/// Orthonormal modes of the largest mean energy: x is near modes^T (modes x).
///
/// Taken about the origin, without removing the mean: snapshots are to be centred (and scaled) before.
struct Pod {
  std::size_t dimension = 0;  ///< m
  PodMethod method = PodMethod::covariance;
  std::vector<double> modes;  ///< (d, m) row major, by descending singular value; of the entries as large
                              ///< in magnitude as any (to 1e-8), the first one is positive
  /// (at least d) of the snapshot matrix over the square root of its rows: the rms amplitude of a mode. By
  /// lanczos those of the modes, else all that can differ from zero.
  std::vector<double> singular_values;
  double captured_energy = 0.0;  ///< sum of the d largest squared singular values over the sum of all
  double mean_residual = 0.0;    ///< rms over snapshots of ||x - modes^T modes x||, over the rms of ||x||
  std::size_t order = 0;         ///< of the matrix whose eigenvectors were computed: m, or s

  /// Singular values above the rounding of the matrix they come from, sqrt(order eps) of the largest.
  std::size_t rank() const;
};

/// The first `modes` modes of all ranks' snapshots. Collective.
///
/// By size, the covariance where m <= 4096 (unless s < m / 2), the method of snapshots where s <= 4096, else
/// Lanczos. SLEPc solves the eigenvalue problems (keys with the prefix pod_): dense ones on rank 0 alone
/// (EPSLAPACK), Lanczos (EPSKRYLOVSCHUR) on every rank alike. The method of snapshots keeps only modes whose
/// singular values are above rounding (Pod::rank); where more are asked for, the covariance gives them if m
/// allows.
///
/// The same bits for every number of ranks: partial sums whose terms do not depend on it are added exactly
/// (parallel::exact_sum). Memory: pod_bytes().
///
/// Raises on all ranks: UsageError where modes is out of range (1 <= modes <= m), there is no snapshot, or
/// the snapshots have fewer modes above rounding and m > 4096; NumericalError where a snapshot is not finite,
/// all are zero, products of them overflow, or Lanczos does not converge.
Pod compute_pod(const parallel::Communicator& comm, const LocalSnapshots& snapshots, std::size_t modes,
                PodMethod method = PodMethod::by_size);

/// What pod_bytes() depends on.
struct PodSizes {
  std::size_t dimension = 0, modes = 0;
  std::uint64_t all_snapshots = 0;  ///< of all ranks
  std::size_t chunks = 0;           ///< of this rank
  std::size_t snapshots = 0;        ///< of a chunk
};

/// Bytes that compute_pod() takes, about, beside the snapshots. Not collective.
double pod_bytes(const PodSizes& sizes);

}  // namespace spnode::spectral
