#include "io/file_pattern.hpp"

#include "core/support/error.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>

namespace spnode::io {

bool is_pattern(const std::string& path) {
  std::error_code error;
  return path.find_first_of("*?{") != std::string::npos && !std::filesystem::exists(path, error);
}

std::vector<std::string> matching_files(const std::string& path) {
  if (!is_pattern(path)) return {path};
  struct Matches : glob_t {
    Matches() : glob_t() {}
    ~Matches() { ::globfree(this); }
  } found;
  const int status = ::glob(path.c_str(), GLOB_BRACE | GLOB_ERR, nullptr, &found);
  if (status != 0)
    throw FileError(path + ": " +
                    (status == GLOB_NOMATCH ? "no file matches" : "the folders cannot be searched"));
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  std::vector<std::string> sorted = files;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
    throw FileError(path + ": " + *twice + " matches twice");
  return files;
}

}  // namespace spnode::io
