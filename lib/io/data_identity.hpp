#pragma once
/// Which data a run was made from, so that it goes on with no others.

#include "core/data/trajectories.hpp"
#include "parallel/communicator.hpp"

#include <cstddef>
#include <string>

namespace spnode::io {

/// Numbers and checksum of the trajectories of a data set, as a text: equal for equal states, times,
/// parameters, inputs and, where they are held, derivatives, whatever the number of ranks and the layout of
/// the file. `held`: this rank's trajectories, from number `first` on; ranks may hold some of them twice.
/// Collective.
std::string identify(const parallel::Communicator& comm, const core::Trajectories& held, std::size_t first);

}  // namespace spnode::io
