#pragma once

#include "core/data/windows.hpp"

#include <cstddef>
#include <vector>

namespace spnode::core {

/// The lengths of the integrator's steps over all windows of the held trajectories, without repetitions.
std::vector<double> distinct_steps(const WindowData& data, std::size_t substeps);

}  // namespace spnode::core
