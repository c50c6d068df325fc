#pragma once
/// What rank 0 holds, given to all ranks.

#include "parallel/communicator.hpp"

#include <string>

namespace spnode::parallel {

/// Replaces `bytes` by those of rank 0, of any length. Collective.
void broadcast(const Communicator& comm, std::string& bytes);

}  // namespace spnode::parallel
