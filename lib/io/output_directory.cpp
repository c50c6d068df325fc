#include "io/output_directory.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace spnode::io {

namespace {

void prepare(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  std::error_code unknown;
  if (!std::filesystem::is_directory(path, unknown)) {
    throw FileError("output directory " + path + ": cannot be created" +
                    (error ? ": " + error.message() : ""));
  }
  // Permissions alone do not tell (quotas, read-only mounts, root): try.
  std::string probe = path + "/.spnode-XXXXXX";
  const int descriptor = ::mkstemp(probe.data());
  if (descriptor < 0)
    throw FileError("output directory " + path + ": is not writable: " + std::strerror(errno));
  ::close(descriptor);
  ::unlink(probe.c_str());
}

}  // namespace

void prepare_output_directory(const parallel::Communicator& comm, const std::string& path) {
  parallel::collectively(comm, [&] {
    if (comm.is_root()) prepare(path);
  });
}

}  // namespace spnode::io
