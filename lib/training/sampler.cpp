#include "training/sampler.hpp"

#include "core/support/error.hpp"
#include "core/support/option.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <string>

namespace spnode::training {

Sampler::Sampler(std::uint64_t windows, const SamplerOptions& options)
    : windows_(windows),
      batch_(options.batch == 0 ? windows : std::min<std::uint64_t>(options.batch, windows)),
      tile_(options.tile),
      shares_(0),
      seed_(options.seed) {
  if (windows == 0) throw UsageError("the data set holds no window to train on");
  if (options.tile == 0 || options.summands == 0)
    throw OptionError({"tile", "summands"}, "= " + std::to_string(options.tile) +
                                                " and summands = " + std::to_string(options.summands) +
                                                ": both must be at least 1");
  shares_ = std::min((batch_ + tile_ - 1) / tile_, options.summands);
}

parallel::Range Sampler::held(int part, int parts) const {
  const parallel::Range shares = shares_of(part, parts);
  if (shares.size() == 0) return {};
  return {shard_begin(shares.begin), shard_begin(shares.end)};
}

std::uint64_t Sampler::shard_begin(std::size_t share) const {
  // windows * first_lane / batch without overflow.
  const std::uint64_t lane = first_lane(share);
  return windows_ / batch_ * lane + windows_ % batch_ * lane / batch_;
}

void Sampler::draw(BatchNumber batch, std::size_t share, std::vector<std::uint64_t>& windows) const {
  if (batch.step >= steps_per_epoch())
    throw Error(ExitStatus::internal_error, "step " + std::to_string(batch.step) + " of an epoch of " +
                                                std::to_string(steps_per_epoch()) + " steps is asked for");
  const parallel::Range from = shard(share);
  const core::Permutation order(from.size(), seed_, core::mix64(batch.epoch + 1) ^ share);
  windows.resize(lanes(share));
  for (std::size_t lane = 0; lane < windows.size(); ++lane)
    windows[lane] = from.begin + order(batch.step * windows.size() + lane);
}

void Sampler::draw_all(std::size_t share, std::vector<std::uint64_t>& windows) const {
  const parallel::Range from = shard(share);
  windows.resize(from.size());
  for (std::size_t lane = 0; lane < windows.size(); ++lane) windows[lane] = from.begin + lane;
}

}  // namespace spnode::training
