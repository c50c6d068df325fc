#pragma once
/// Arrays in NumPy's file format, version 1.0, for the peers' scripts.

#include "core/support/error.hpp"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace spnode::benchmark {

/// Writes a row-major array of doubles; `values` has as many entries as `shape` says. Raises FileError.
inline void write_npy(const std::filesystem::path& path, std::span<const double> values,
                      const std::vector<std::size_t>& shape) {
  static_assert(std::endian::native == std::endian::little);
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (";
  for (const std::size_t extent : shape) header += std::to_string(extent) + ",";
  header += "), }";
  // Magic string, version and length take ten bytes; the data start at a multiple of 64.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  const auto length = std::uint16_t(header.size());
  file.write("\x93NUMPY\x01\x00", 8);
  file.write(reinterpret_cast<const char*>(&length), 2);
  file << header;
  file.write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size_bytes()));
  if (!file) throw FileError(path.string() + ": cannot be written");
}

}  // namespace spnode::benchmark
