#pragma once
/// The losses of several data sets as one.

#include "training/batch_objective.hpp"

#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace spnode::training {

/// A loss on a data set whose windows a sampler deals to ranks.
struct SampledLoss {
  core::TileObjective* objective = nullptr;
  const core::WindowData* data = nullptr;
  const Sampler* sampler = nullptr;
};

/// The sum of the losses of several data sets, as a BatchObjective of each. Its batches are those of the
/// first; of each other one a batch comes along, from epochs of its own length, over whole windows.
///
/// A term that several data sets have is their sum.
class SummedObjective {
 public:
  /// `further`: those beside the first. Not collective.
  SummedObjective(const parallel::Communicator& comm, const SampledLoss& first,
                  const std::vector<SampledLoss>& further);

  std::size_t parameters() const { return parts_.front().parameters(); }
  const Sampler& sampler() const { return parts_.front().sampler(); }
  void ask(Requests requests) { parts_.front().ask(requests); }

  // As those of BatchObjective.
  Evaluation gradient(std::optional<BatchNumber> batch, std::span<const double> theta,
                      std::span<double> gradient);
  Evaluation value(std::span<const double> theta);
  bool product(std::span<const double> theta, std::span<const double> v, std::span<double> Hv);
  bool gram(std::span<const double> theta, std::span<const double> directions, std::span<double> matrix);
  void check_replicas(std::span<const double> theta);

 private:
  std::deque<BatchObjective> parts_;
  std::vector<double> part_;  ///< gradient, product or gram of one of them
};

}  // namespace spnode::training
