#pragma once
/// What an HDF5 file holds, in words.

#include "parallel/communicator.hpp"

#include <string>
#include <vector>

namespace spnode::io {

/// Lines for the user: the kind of file, its version, attributes, and for every dataset shape, type, meaning
/// and range of values. Any HDF5 file will do; one of spnode is named as such. Rank 0 reads, in pieces of
/// bounded size. Collective; raises FileError on all ranks.
std::vector<std::string> describe(const parallel::Communicator& comm, const std::string& path);

}  // namespace spnode::io
