#pragma once
/// What the tests of files share: a directory of their own and the outcome of a call that must fail.

#include "catch.hpp"
#include "parallel/broadcast.hpp"

#include <hdf5.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
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

/// While it lives, this process can write no file beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

/// A file with a dataset of zeros in chunks of one row, of which the first `rows` are written.
inline void write_chunked(const std::string& path, const std::string& name, const std::vector<hsize_t>& shape,
                          hsize_t rows) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const int rank = static_cast<int>(shape.size());
  const hid_t space = H5Screate_simple(rank, shape.data(), nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  std::vector<hsize_t> row = shape, first(shape.size(), 0);
  row[0] = 1;
  H5Pset_chunk(creation, rank, row.data());
  const hid_t dataset =
      H5Dcreate2(file, name.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  row[0] = rows;
  const hid_t memory = H5Screate_simple(rank, row.data(), nullptr);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, row.data(), nullptr);
  hsize_t size = 1;
  for (const hsize_t extent : row) size *= extent;
  const std::vector<double> zeros(size);
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, zeros.data());
  H5Fclose(file);
  for (const hid_t object : {memory, space}) H5Sclose(object);
  H5Dclose(dataset);
  H5Pclose(creation);
}

/// A virtual dataset of which the files `parts` hold one part each, along the first dimension.
inline void write_virtual(const std::string& path, const std::string& name,
                          const std::vector<std::string>& parts, const std::string& source,
                          const std::vector<hsize_t>& part_shape) {
  const int rank = static_cast<int>(part_shape.size());
  std::vector<hsize_t> shape = part_shape, first(part_shape.size(), 0);
  shape[0] *= parts.size();
  const hid_t space = H5Screate_simple(rank, shape.data(), nullptr);
  const hid_t part = H5Screate_simple(rank, part_shape.data(), nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  for (const std::string& file : parts) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, part_shape.data(), nullptr);
    H5Pset_virtual(creation, space, file.c_str(), source.c_str(), part);
    first[0] += part_shape[0];
  }
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(H5Dcreate2(file, name.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Fclose(file);
  H5Pclose(creation);
  for (const hid_t object : {part, space}) H5Sclose(object);
}

/// A dataset of numbers whose values stand in another file.
inline void write_external(const std::string& path, const std::string& name, const std::string& values,
                           hsize_t numbers) {
  const hid_t space = H5Screate_simple(1, &numbers, nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(creation, values.c_str(), 0, numbers * sizeof(double));
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(H5Dcreate2(file, name.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Fclose(file);
  H5Pclose(creation);
  H5Sclose(space);
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
