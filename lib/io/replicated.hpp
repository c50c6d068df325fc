#pragma once
/// What the files of spnode have in common: format attributes, and small ones are read by one rank for all.

#include "io/hdf5.hpp"
#include "parallel/communicator.hpp"

#include <string>

namespace spnode::io {

/// The bytes of a file. Not collective; raises FileError.
std::string read_bytes(const std::string& path);

/// The bytes of a file, read by rank 0 and given to all ranks. Collective; raises FileError on all ranks.
std::string replicate(const parallel::Communicator& comm, const std::string& path);

/// Writes the attributes format and format_version of /. Not collective.
void write_format(hdf5::File& file, const std::string& format, int version);

/// Raises FileError unless the file is of this format and not newer than `version`. Not collective.
void check_format(const hdf5::File& file, const std::string& format, int version);

}  // namespace spnode::io
