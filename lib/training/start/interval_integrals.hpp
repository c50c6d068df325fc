#pragma once
/// Integrals of functions that are known at the times of the data.

#include "training/start/latent_trajectories.hpp"

#include <cstddef>
#include <vector>

namespace spnode::training {

/// The integrals over the intervals of one trajectory of functions that are known at its times: those of the
/// polynomials through the `nodes` nearest times.
class IntervalIntegrals {
 public:
  /// nodes: at least two; as many as there are times where these are fewer.
  IntervalIntegrals(const LatentTrajectories& data, std::size_t trajectory, std::size_t nodes);

  /// The integral over interval t, from time t to time t + 1, is sum_j weight(t, j) f(first(t) + j).
  std::size_t nodes() const { return nodes_; }
  std::size_t first(std::size_t t) const;
  double weight(std::size_t t, std::size_t j) const { return weights_[t * nodes_ + j]; }

 private:
  std::size_t times_, nodes_;
  std::vector<double> weights_;
};

}  // namespace spnode::training
