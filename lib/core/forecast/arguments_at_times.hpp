#pragma once

#include "core/integrators/rollout_steps.hpp"

namespace spnode::core {

/// q (arguments, times), overwritten: what `reader` reads at all times of a trajectory. Raises UsageError
/// where the data lack an argument.
void arguments_at_times(ArgumentReader& reader, const Trajectories& data, std::size_t trajectory,
                        MatrixView<double> q);

}  // namespace spnode::core
