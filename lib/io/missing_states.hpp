#pragma once
/// States that lack a component, as the files that read trajectories find them.

#include "core/data/trajectories.hpp"
#include "io/trajectories.hpp"

#include <cstddef>
#include <string>

namespace spnode::io {

/// Marks states that lack a component, gives their places the nearest known state, and lets the times of
/// those at the end go on. `first`: the first trajectory's number in the file. Not collective. Raises
/// FileError where a trajectory has no state or a time lacks.
void mark_missing(const std::string& path, const std::string& time, std::size_t first,
                  core::Trajectories& data);

/// Raises FileError where a state is a number that many programs write for a missing value, and farther from
/// the other values of its component in the trajectory than these from each other: nobody said that it marks
/// one, and a model would be fitted to it. `first`, `begin`: indices of the first state in the file. Not
/// collective.
void refuse_undeclared_marks(const TrajectoryInfo::File& file, std::size_t first, std::size_t begin,
                             const core::Trajectories& data);

}  // namespace spnode::io
