#pragma once
/// Small HDF5 files with a checksum: models, checkpoints, spectra, statistics.
///
/// Behind HDF5's own bytes stand a mark and the checksum of all bytes before it; HDF5 and its tools ignore
/// them. The checksum is of what was meant to be written, and it is verified before HDF5 sees the bytes,
/// because HDF5 follows damaged structures without end in some cases.

#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "parallel/communicator.hpp"

#include <functional>
#include <string>

namespace spnode::io {

/// Writes a file of a format (attributes format and format_version of /) whose contents `fill` puts down on
/// rank 0. Collective; errors as for write_whole.
void write_sealed(const parallel::Communicator& comm, const std::string& path, const std::string& format,
                  int version, Overwrite overwrite, const std::function<void(hdf5::File&)>& fill);

/// Reads a sealed file on rank 0 and lets every rank take what it needs from it with `take`. Collective.
/// Raises FileError on all ranks: missing, damaged, not sealed, another format or a version beyond `version`.
void read_sealed(const parallel::Communicator& comm, const std::string& path, const std::string& format,
                 int version, const std::function<void(const hdf5::File&)>& take);

/// Opens an HDF5 file, sealed or not, for reading. Not collective. Raises FileError: missing, not HDF5, or
/// sealed and damaged.
hdf5::File open_any(const std::string& path);

/// Raises FileError unless the file is of this format and not newer than `version`. Not collective.
void check_format(const hdf5::File& file, const std::string& format, int version);

/// Writes the attributes format and format_version of /. Not collective.
void write_format(hdf5::File& file, const std::string& format, int version);

}  // namespace spnode::io
