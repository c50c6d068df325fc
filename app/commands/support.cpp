#include "app/commands/support.hpp"

#include <filesystem>

#include "io/output_directory.hpp"

namespace spnode::app {

bool exists(const parallel::Communicator& comm, const std::string& path) {
  std::error_code ignored;
  int found = comm.is_root() && std::filesystem::exists(path, ignored) ? 1 : 0;
  MPI_Bcast(&found, 1, MPI_INT, 0, comm.handle());
  return found == 1;
}

void remove(const parallel::Communicator& comm, const std::string& path) {
  parallel::collectively(comm, [&] {
    std::error_code error;
    if (comm.is_root() && !std::filesystem::remove(path, error) && error)
      throw FileError(path + ": cannot be removed: " + error.message());
  });
}

void prepare_parent(const parallel::Communicator& comm, const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (!parent.empty()) io::prepare_output_directory(comm, parent);
}

}  // namespace spnode::app
