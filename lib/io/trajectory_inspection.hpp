#pragma once
/// What a single trajectory file holds; shared by the files that read trajectories.

#include "io/trajectories.hpp"

#include <string>

namespace spnode::io {

/// Looks into a file in a child process. Not collective; raises FileError as inspect_trajectories does.
TrajectoryInfo inspect_file(const std::string& path, const TrajectoryLayout& layout);

/// The info as text with zero bytes between the fields, to be sent to other processes, and back.
std::string pack(const TrajectoryInfo& info);
TrajectoryInfo unpack(const std::string& text);

}  // namespace spnode::io
