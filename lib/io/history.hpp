#pragma once
/// history.csv: a line of numbers per epoch that survives a crash.

#include "parallel/communicator.hpp"

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace spnode::io {

/// An append-only table; only rank 0 touches the file. Members are collective and raise FileError on all
/// ranks, but where they say otherwise.
class History {
 public:
  /// Starts a new table, in place of an existing one (the caller asks before; see check_overwrite).
  static History start(const parallel::Communicator& comm, const std::string& path,
                       const std::vector<std::string>& columns);

  /// Whether the file is a table of these columns, or as much of its header as fitted on a full disk. Not
  /// collective; raises FileError where it is no file.
  static bool is_begun(const std::string& path, const std::vector<std::string>& columns);

  /// Continues a table after its first `rows` rows; later ones (written after the checkpoint) and a
  /// half-written last line are cut off. The columns must be those of the file.
  static History resume(const parallel::Communicator& comm, const std::string& path,
                        const std::vector<std::string>& columns, std::size_t rows);

  /// Appends one row, a value per column, and forces it to the disk. Numbers are written in the shortest form
  /// that reads back to the same double.
  void append(std::span<const double> row);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  History(const parallel::Communicator& comm, std::string path, std::size_t columns)
      : comm_(comm), path_(std::move(path)), columns_(columns) {}
  void open(const char* mode);
  void write_line(const std::string& line);

  parallel::Communicator comm_;
  std::string path_;
  std::size_t columns_;
  std::unique_ptr<std::FILE, Close> file_;  ///< rank 0 only
};

}  // namespace spnode::io
