#pragma once
/// Which data a run was made from, so that it goes on with no others.

#include "core/data/windows.hpp"
#include "parallel/communicator.hpp"

#include <string>

namespace spnode::io {

/// Numbers and checksum of the trajectories of a data set, as a text: equal for equal states, times,
/// parameters, inputs and, where they are held, derivatives, whatever the number of ranks and the layout of
/// the file. `data`: this rank's trajectories; ranks may hold some of them twice. Collective; one pass over
/// the states where they are streamed. Raises FileError on all ranks where these cannot be read.
std::string identify(const parallel::Communicator& comm, const core::WindowData& data);

}  // namespace spnode::io
