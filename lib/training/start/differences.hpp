#pragma once
/// Time derivatives of the data by central differences.

#include "training/start/latent_trajectories.hpp"

#include <cstddef>
#include <functional>
#include <span>

namespace spnode::training {

/// The order of central differences that trajectories of so many times have room for, at most `order`.
std::size_t difference_order(std::size_t times, std::size_t order);

/// Calls visit(t, du/dt) with the derivative (dimension) at every time of a trajectory that has `reach` times
/// on either side, by the central difference through these, of order 2 reach on even times. states: (times,
/// dimension).
void for_each_difference(const LatentTrajectories& data, std::size_t trajectory, std::size_t reach,
                         std::span<const double> states,
                         const std::function<void(std::size_t t, std::span<const double> derivative)>& visit);

/// The step of even times, and by how much it may be off: by the rounding of the times.
struct EvenStep {
  double length, tolerance;
};

/// The mean step of a trajectory whose times are evenly spaced but for the rounding of the numbers that store
/// them (those of float where all are such), which is large where a clock counts from long ago. Raises
/// UsageError, which begins with `method`, where they are not. Not collective.
EvenStep even_step(const LatentTrajectories& data, std::size_t trajectory, const char* method);

}  // namespace spnode::training
