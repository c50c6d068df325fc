#pragma once
/// Files of named arrays and numbers with a format name: models, spectra, limit sets.

#include "io/atomic_file.hpp"
#include "parallel/communicator.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace spnode::io {

/// One dataset.
struct NamedArray {
  std::string name;                ///< "linear/L_S" becomes dataset L_S in group /linear
  std::vector<std::size_t> shape;  ///< row major
  std::string meaning;             ///< one line for the reader; attribute `meaning`
  std::vector<double> values;
};

/// Contents of a file of named arrays, bit for bit.
struct ArrayFile {
  std::string deck;                       ///< the resolved deck; dataset /deck (absent when empty)
  std::string options;                    ///< of a model; dataset /options (absent when empty)
  std::string version;                    ///< of the program that wrote it; attribute `version` of /
  std::map<std::string, double> scalars;  ///< attributes of /
  std::vector<NamedArray> arrays;         ///< in order of name when read
  std::string path;                       ///< set by read_array_file, for messages

  /// The array `name`; raises FileError where it is missing or, where one is given, has another shape. Not
  /// collective.
  const NamedArray& array(const std::string& name) const;
  const NamedArray& array(const std::string& name, const std::vector<std::size_t>& shape) const;
  bool has_array(const std::string& name) const;
  /// The scalar `name`; raises FileError where it is missing. Not collective.
  double scalar(const std::string& name) const;
};

/// Name and version of a kind of array file.
struct ArrayFormat {
  std::string name;  ///< attribute `format` of /
  int version = 1;   ///< attribute `format_version` of /: the newest that is understood
};

inline const ArrayFormat model_format = {"spnode.model", 1};
inline const ArrayFormat spectrum_format = {"spnode.spectrum", 1};
inline const ArrayFormat limit_sets_format = {"spnode.limit_sets", 1};

/// Writes rank 0's `contents` as a sealed file. Collective; errors as for write_whole.
void write_array_file(const parallel::Communicator& comm, const std::string& path, const ArrayFormat& format,
                      const ArrayFile& contents, Overwrite overwrite);

/// Reads a sealed file on rank 0 and gives it to all ranks. Collective. Raises FileError on all ranks:
/// missing, damaged, another format, a newer version.
ArrayFile read_array_file(const parallel::Communicator& comm, const std::string& path,
                          const ArrayFormat& format);

}  // namespace spnode::io
