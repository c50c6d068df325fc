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

void write_on_root(const Communicator& comm, AtomicFile& target,
                   const std::function<void(hdf5::File&)>& fill) {
  collectively(comm, [&] {
    if (!comm.is_root()) return;
    hdf5::File file = hdf5::File::create(target.temporary());
    fill(file);
    file.close();
  });
  target.commit();
}

std::string replicate(const Communicator& comm, const std::string& path) {
  std::string bytes;
  collectively(comm, [&] {
    if (!comm.is_root()) return;
    if (std::filesystem::is_directory(path)) throw FileError(path + ": is a directory, not a file");
    std::ifstream file(path, std::ios::binary);
    std::ostringstream contents;
    if (file) contents << file.rdbuf();
    if (!file || file.bad()) throw FileError(path + ": cannot be read: " + std::strerror(errno));
    bytes = std::move(contents).str();
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
