#pragma once
/// Numbers of a dataset that HDF5 has laid out, written by many processes.

#include "io/file_bytes.hpp"
#include "io/hdf5.hpp"

#include <span>
#include <string>

namespace spnode::io {

/// Writes slabs of contiguous datasets at their places in a file by system calls, each process on its own.
///
/// Not by HDF5's parallel driver: where a write fails on one rank (disk full), Open MPI's collective calls
/// let the others wait for ever, and H5Fclose is full of them. Whole trajectories are contiguous, so that
/// there is nothing that a collective call could gather.
class SlabWriter {
 public:
  /// Empty; to be assigned.
  SlabWriter() = default;
  /// Opens the existing file; messages name it `shown`. Not collective; members raise FileError.
  SlabWriter(const std::string& path, std::string shown);

  void write(const hdf5::Placement& place, const hdf5::Slab& slab, std::span<const double> values);
  /// Forces what was written to the disk and closes.
  void close();

 private:
  void put(std::size_t offset, std::string_view bytes) const;

  std::string shown_;
  Descriptor file_;
};

}  // namespace spnode::io
