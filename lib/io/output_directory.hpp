#pragma once
/// The directory that receives a run's results.

#include "parallel/communicator.hpp"

#include <string>

namespace spnode::io {

/// Creates `path` with its parents where absent and makes sure that files can be written there. Collective;
/// raises FileError on all ranks where that fails.
void prepare_output_directory(const parallel::Communicator& comm, const std::string& path);

}  // namespace spnode::io
