#pragma once
/// Several files under one name: patterns of the shell.

#include <string>
#include <vector>

namespace spnode::io {

/// Whether `path` is a pattern: it has one of the characters * ? {, and no file has it as its name.
bool is_pattern(const std::string& path);

/// The files that match a pattern, each once: in the order of {a,b}, else sorted by the bytes of their names.
/// For a path that is no pattern itself. Not collective; raises FileError where nothing matches, or a file
/// matches twice.
std::vector<std::string> matching_files(const std::string& path);

}  // namespace spnode::io
