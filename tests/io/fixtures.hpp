#pragma once
/// What the tests of files share: a directory of their own and the outcome of a call that must fail.

#include "catch.hpp"
#include "parallel/broadcast.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace spnode::test {

/// A directory seen by all ranks, removed at the end. Collective.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    if (comm_.is_root()) {
      path_ = (std::filesystem::temp_directory_path() / "spnode-XXXXXX").string();
      if (mkdtemp(path_.data()) == nullptr) throw FileError(path_ + ": cannot be created");
    }
    parallel::broadcast(comm_, path_);
  }
  ~TemporaryDirectory() {
    MPI_Barrier(comm_.handle());
    std::error_code ignored;
    if (comm_.is_root()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  /// Names of the files in it, sorted, between two barriers. Collective.
  std::vector<std::string> files() const {
    MPI_Barrier(comm_.handle());
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    MPI_Barrier(comm_.handle());
    return names;
  }

 private:
  parallel::Communicator comm_;
  std::string path_;
};

/// Runs `work` on rank 0 while the others wait.
inline void on_root(const std::function<void()>& work) {
  parallel::collectively(parallel::Communicator(), [&] {
    if (parallel::Communicator().is_root()) work();
  });
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// How a call failed; status success where it did not.
struct Outcome {
  ExitStatus status = ExitStatus::success;
  std::string message;
  bool mentions(const std::string& text) const { return message.find(text) != std::string::npos; }
};

inline Outcome outcome_of(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
}

/// Bit for bit, so that NaN equals itself and 0 differs from -0.
inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

}  // namespace spnode::test
