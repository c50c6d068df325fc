#pragma once
/// A result is never written over what the same command reads.

#include <string>
#include <vector>

#include "app/commands/commands.hpp"

namespace spnode::app {

/// A file that a command reads or writes.
struct NamedFile {
  std::string name;  ///< the deck's key, or what the file holds
  std::string path;  ///< empty: there is none
};

/// The deck of the command line and the files of a data section's keys, as inputs.
NamedFile deck_file(const Context& context);
std::vector<NamedFile> data_files(const Context& context);
/// Those that only the start of a training reads.
std::vector<NamedFile> start_files(const Context& context);

/// Files that a command writes, all called "a result".
std::vector<NamedFile> results(const std::vector<std::string>& paths);

/// Raises UsageError where an output is one of the inputs or another output, whatever path leads to it.
/// Collective; to be called before any work.
void require_separate(const parallel::Communicator& comm, const std::vector<NamedFile>& inputs,
                      const std::vector<NamedFile>& outputs);

/// As require_separate; also raises UsageError where an output exists and --overwrite was not given.
/// Collective.
void check_outputs(const Context& context, const std::vector<NamedFile>& inputs,
                   const std::vector<NamedFile>& outputs);

}  // namespace spnode::app
