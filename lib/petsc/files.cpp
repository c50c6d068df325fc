#include "petsc/files.hpp"

#include "petsc/petsc.hpp"

#include <petscviewer.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

namespace spnode::petsc {

namespace {

std::vector<std::string> split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// Raises UsageError unless the file can be opened. One that was not there is not left behind.
void require_open(const std::string& option, const std::string& value, const std::string& path,
                  const char* mode) {
  const bool absent = access(path.c_str(), F_OK) != 0;
  std::FILE* const file = std::fopen(path.c_str(), mode);
  if (file == nullptr)
    throw UsageError(option + " " + value + ": the file cannot be opened: " + std::strerror(errno));
  std::fclose(file);
  if (absent) unlink(path.c_str());
}

void check_start_options(std::span<const std::string> words) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "-options_file") require_open(words[i], words[i + 1], words[i + 1], "r");
    if (words[i] == "-history") require_open(words[i], words[i + 1], words[i + 1], "a");
  }
}

/// The file of `[type]:file[:format[:mode]]`, empty where the word is none of these.
std::string viewer_file(const std::string& word) {
  constexpr std::string_view types[] = {"", "ascii", "binary", "hdf5", "vtk", "matlab", "adios", "glvis"};
  const std::size_t colon = word.find(':');
  if (colon == std::string::npos || std::ranges::find(types, word.substr(0, colon)) == std::end(types))
    return "";
  return word.substr(colon + 1, word.find(':', colon + 1) - colon - 1);
}

void check_viewer_options() {
  char* all = nullptr;
  SPNODE_PETSC(PetscOptionsGetAll(nullptr, &all));
  const std::vector<std::string> words = split(all);
  SPNODE_PETSC(PetscFree(all));
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string file = words[i - 1].starts_with('-') ? viewer_file(words[i]) : "";
    if (!file.empty()) require_open(words[i - 1], words[i], file, "a");
  }
}

}  // namespace

void check_start_files(std::span<const std::string> words) {
  check_start_options(words);
  if (const char* const environment = std::getenv("PETSC_OPTIONS")) check_start_options(split(environment));
}

void check_viewer_files(const parallel::Communicator& comm) {
  try {
    parallel::collectively(comm, [&] {
      if (comm.is_root()) check_viewer_options();
    });
    // The one that is used at the very end. Its file is known to open, so that this fails on all ranks or
    // none.
    PetscViewer viewer = nullptr;
    check_options(
        PetscOptionsGetViewer(comm.handle(), nullptr, nullptr, "-log_view", &viewer, nullptr, nullptr),
        "-log_view");
    SPNODE_PETSC(PetscViewerDestroy(&viewer));
  } catch (const Error&) {
    PetscOptionsClear(nullptr);
    throw;
  }
}

}  // namespace spnode::petsc
