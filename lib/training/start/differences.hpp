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

}  // namespace spnode::training
