#include "app/commands/support.hpp"

#include <filesystem>

#include "io/file_bytes.hpp"
#include "io/file_pattern.hpp"
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
    std::error_code error;
    const bool found = std::filesystem::exists(path, error);
    if (error) throw FileError(path + ": " + error.message());
    return found;
  });
}

bool data_exist(const parallel::Communicator& comm, const std::string& path) {
  const auto matches = [&] {
    try {
      io::matching_files(path);
      return true;
    } catch (const FileError&) {
      return false;
    }
  };
  return answer_of_root(comm, [&] { return io::is_pattern(path); }) ? answer_of_root(comm, matches)
                                                                    : exists(comm, path);
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

void require_space(const parallel::Communicator& comm, const std::string& path,
                   const io::TrajectoryInfo& info) {
  const auto count = static_cast<double>(info.count), times = static_cast<double>(info.times);
  const double axes = info.time_axis == io::TimeAxis::shared ? 1.0 : count;
  const std::size_t vectors = (info.derivatives == io::Derivatives::present ? 2 : 1) + 2 * info.tangents;
  const auto numbers = static_cast<double>(vectors * info.components + info.inputs.size());
  const double bytes = times * (count * numbers + axes) * sizeof(double);
  if (bytes >= 0x1p63) throw UsageError(path + " would be " + shown_bytes(bytes) + " large; no file can be");
  parallel::collectively(comm, [&] {
    if (!comm.is_root()) return;
    const std::string folder = std::filesystem::path(path).parent_path().string();
    std::error_code error;
    const auto space = std::filesystem::space(folder.empty() ? "." : folder, error);
    if (!error && bytes > static_cast<double>(space.available))
      throw FileError(path + ": would be " + shown_bytes(bytes) + " large; the file system has " +
                      shown_bytes(static_cast<double>(space.available)) + " left");
  });
}

void prepare_parent(const parallel::Communicator& comm, const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (!parent.empty()) io::prepare_output_directory(comm, parent);
}

}  // namespace spnode::app
