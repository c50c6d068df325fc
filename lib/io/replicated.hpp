#pragma once
/// Small HDF5 files: written by rank 0, read by rank 0 for all.

#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "parallel/communicator.hpp"

#include <functional>
#include <string>

namespace spnode::io {

/// Lets rank 0 fill the file and commits it. Collective; a failure of `fill` on rank 0 is raised on all
/// ranks.
void write_on_root(const parallel::Communicator& comm, AtomicFile& target,
                   const std::function<void(hdf5::File&)>& fill);

/// The bytes of a file, read by rank 0 and given to all ranks. Collective; raises FileError on all ranks.
std::string replicate(const parallel::Communicator& comm, const std::string& path);

/// Writes the attributes format and format_version of /. Not collective.
void write_format(hdf5::File& file, const std::string& format, int version);

/// Raises FileError unless the file is of this format and not newer than `version`. Not collective.
void check_format(const hdf5::File& file, const std::string& format, int version);

}  // namespace spnode::io
