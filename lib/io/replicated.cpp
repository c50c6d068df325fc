#include "io/replicated.hpp"

#include "parallel/broadcast.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace spnode::io {

using parallel::collectively;
using parallel::Communicator;

std::string read_bytes(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw FileError(path + ": is a directory, not a file");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  if (file) contents << file.rdbuf();
  if (!file) throw FileError(path + ": cannot be read: " + std::strerror(errno));
  return std::move(contents).str();
}

std::string replicate(const Communicator& comm, const std::string& path) {
  std::string bytes;
  collectively(comm, [&] {
    if (comm.is_root()) bytes = read_bytes(path);
  });
  parallel::broadcast(comm, bytes);
  return bytes;
}

void write_format(hdf5::File& file, const std::string& format, int version) {
  file.set_attribute("/", "format", format);
  file.set_attribute("/", "format_version", static_cast<std::int64_t>(version));
}

void check_format(const hdf5::File& file, const std::string& format, int version) {
  const auto found = file.string_attribute("/", "format");
  if (found != format) {
    file.fail("attribute format of /",
              "is " + (found ? "'" + *found + "'" : std::string("missing")) + "; '" + format + "' is needed");
  }
  const auto number = file.integer_attribute("/", "format_version");
  if (!number || *number < 1 || *number > version) {
    file.fail("attribute format_version of /",
              "is " + (number ? std::to_string(*number) : std::string("missing")) +
                  "; this program reads up to " + std::to_string(version));
  }
}

}  // namespace spnode::io
