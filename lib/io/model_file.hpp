#pragma once
/// Model files: parameter blocks, scaling, the resolved deck (docs/user-guide: model files).

#include "io/array_file.hpp"

namespace spnode::io {

using ModelFile = ArrayFile;

/// Writes rank 0's `model` as a sealed file. Collective; errors as for write_whole.
inline void write_model(const parallel::Communicator& comm, const std::string& path, const ModelFile& model,
                        Overwrite overwrite) {
  write_array_file(comm, path, model_format, model, overwrite);
}

/// Collective; raises FileError on all ranks where `path` is not a readable model file.
inline ModelFile read_model(const parallel::Communicator& comm, const std::string& path) {
  return read_array_file(comm, path, model_format);
}

}  // namespace spnode::io
