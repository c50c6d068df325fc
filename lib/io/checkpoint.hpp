#pragma once
/// Checkpoints: the state of a run, bit for bit.

#include "parallel/communicator.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spnode::io {

/// Named arrays and texts; what they mean is up to the trainer. Names hold no '/'.
struct Checkpoint {
  std::map<std::string, std::vector<double>> doubles;
  std::map<std::string, std::vector<std::int64_t>> integers;
  std::map<std::string, std::string> strings;  ///< text without zero bytes
  std::string path;                            ///< set by read_checkpoint, for messages

  /// One entry; raise FileError where it is missing. Not collective.
  const std::vector<double>& doubles_at(const std::string& name) const;
  const std::vector<std::int64_t>& integers_at(const std::string& name) const;
  const std::string& string_at(const std::string& name) const;
};

/// Replaces the checkpoint at `path` by rank 0's `contents`; until the new one is whole on the disk the
/// previous one stays. Collective; raises FileError on all ranks.
void write_checkpoint(const parallel::Communicator& comm, const std::string& path,
                      const Checkpoint& contents);

/// Collective; every rank gets the whole checkpoint. Raises FileError on all ranks where the file is missing,
/// damaged (its checksum is verified) or not a checkpoint.
Checkpoint read_checkpoint(const parallel::Communicator& comm, const std::string& path);

}  // namespace spnode::io
