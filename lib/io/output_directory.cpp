#include "io/output_directory.hpp"

#include "core/support/error.hpp"
#include "io/file_bytes.hpp"

#include <fcntl.h>
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
  // Permissions alone do not tell (quotas, read-only mounts, root): try, with a file that has no name and so
  // is not left behind, or one whose name is taken away at once where the file system wants a name.
  Descriptor probe(::open(path.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (probe.valid()) return;
  std::string name = path + "/.spnode-XXXXXX";
  probe = Descriptor(::mkstemp(name.data()));
  if (!probe.valid())
    throw FileError("output directory " + path + ": is not writable: " + std::strerror(errno));
  ::unlink(name.c_str());
}

}  // namespace

void prepare_output_directory(const parallel::Communicator& comm, const std::string& path) {
  parallel::collectively(comm, [&] {
    if (comm.is_root()) prepare(path);
  });
}

}  // namespace spnode::io
