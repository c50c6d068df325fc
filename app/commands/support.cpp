#include "app/commands/support.hpp"

#include <filesystem>

#include "io/file_bytes.hpp"
#include "io/output_directory.hpp"

namespace spnode::app {

bool answer_of_root(const parallel::Communicator& comm, const std::function<bool()>& question) {
  int answer = 0;
  parallel::collectively(comm, [&] { answer = comm.is_root() && question() ? 1 : 0; });
  MPI_Bcast(&answer, 1, MPI_INT, 0, comm.handle());
  return answer == 1;
}

bool exists(const parallel::Communicator& comm, const std::string& path) {
  return answer_of_root(comm, [&] {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  });
}

bool holds(const parallel::Communicator& comm, const std::string& path, const std::string& text) {
  return exists(comm, path) && answer_of_root(comm, [&] { return io::read_bytes(path) == text; });
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
