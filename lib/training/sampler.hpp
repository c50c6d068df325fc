#pragma once
/// Which windows a batch holds, and which rank computes them. Pure arithmetic: nothing here communicates.

#include "parallel/partition.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spnode::training {

struct SamplerOptions {
  std::size_t batch = 0;       ///< windows per step; 0 or more than there are: all of them
  std::size_t tile = 32;       ///< windows that are computed at a time
  std::size_t summands = 256;  ///< most work shares of a batch, that is, most summands of the exact sum
  std::uint64_t seed = 0;
};

/// A step of stochastic training: both counted from 0.
struct BatchNumber {
  std::uint64_t epoch = 0;         ///< since the start of the run
  std::uint64_t step = 0;          ///< in the epoch
  std::size_t rollout_length = 0;  ///< intervals of its windows that are rolled out; 0: all
};

/// Cuts a data set's windows into `shares()` contiguous *shards* and every batch into as many *work shares*:
/// work share k of a batch draws its lanes from shard k by a pseudo-random permutation of the shard that
/// depends on the seed, the epoch and k alone. Work shares are dealt to ranks in contiguous ranges, so
///  - a batch and the way it is cut into tiles are the same for every number of ranks,
///  - a rank needs the trajectories of its own shards and no others.
///
/// The number of shares is min(ceil(batch / tile), summands); more ranks than that stay idle. In an epoch of
/// floor(windows / batch) steps no window is drawn twice: shards are cut in proportion to the lanes of the
/// shares. The full batch is every shard, in tiles.
class Sampler {
 public:
  /// Raises UsageError where there is no window, or tile or summands is 0.
  Sampler(std::uint64_t windows, const SamplerOptions& options);

  std::uint64_t windows() const { return windows_; }
  std::size_t batch() const { return batch_; }
  std::size_t tile() const { return tile_; }
  std::size_t shares() const { return shares_; }
  std::uint64_t steps_per_epoch() const { return windows_ / batch_; }

  /// The work shares of rank `part` of `parts`.
  parallel::Range shares_of(int part, int parts) const { return parallel::share(shares_, parts, part); }

  /// The windows that rank `part` of `parts` must hold: its shards; empty for an idle rank.
  parallel::Range held(int part, int parts) const;

  /// The windows of shard `share`.
  parallel::Range shard(std::size_t share) const { return {shard_begin(share), shard_begin(share + 1)}; }

  /// Windows that work share `share` computes in every batch.
  std::size_t lanes(std::size_t share) const { return first_lane(share + 1) - first_lane(share); }

  /// Overwrites `windows` with the lanes(share) windows of one work share of a batch; keeps its capacity.
  /// Raises Error for a step beyond the epoch, which has no windows left.
  void draw(BatchNumber batch, std::size_t share, std::vector<std::uint64_t>& windows) const;

  /// Overwrites `windows` with the windows of shard `share` in order: its part of the full batch.
  void draw_all(std::size_t share, std::vector<std::uint64_t>& windows) const;

 private:
  std::size_t first_lane(std::size_t share) const { return batch_ * share / shares_; }
  std::uint64_t shard_begin(std::size_t share) const;

  std::uint64_t windows_;
  std::size_t batch_, tile_, shares_;
  std::uint64_t seed_;
};

}  // namespace spnode::training
