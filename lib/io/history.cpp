#include "io/history.hpp"

#include "io/file_bytes.hpp"
#include "io/text.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace spnode::io {

using parallel::collectively;
using parallel::Communicator;

namespace {

std::string join(const std::vector<std::string>& columns) {
  std::string line;
  for (const std::string& column : columns) line += (line.empty() ? "" : ",") + column;
  return line;
}

/// Cuts the file behind its header and `rows` whole lines.
void truncate_rows(const std::string& path, const std::string& header, std::size_t rows) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_with_errno(path, "cannot be read; a resumed run continues it");
  std::string line;
  std::getline(file, line);
  if (line != header || file.eof())  // eof: the line has no end
    throw FileError(path + ": the first line is '" + line + "', a resumed run needs '" + header +
                    "' and the end of the line");
  std::size_t found = 0;
  std::uintmax_t length = header.size() + 1;
  while (found < rows && std::getline(file, line) && !file.eof()) {  // eof: the last line has no end
    length += line.size() + 1;
    ++found;
  }
  if (found < rows) {
    throw FileError(path + ": holds " + std::to_string(found) + " whole rows, the checkpoint comes after " +
                    std::to_string(rows));
  }
  file.close();
  std::error_code error;
  std::filesystem::resize_file(path, length, error);
  if (error)
    throw FileError(path + ": cannot be cut to " + std::to_string(rows) + " rows: " + error.message());
}

}  // namespace

History History::start(const Communicator& comm, const std::string& path,
                       const std::vector<std::string>& columns) {
  History history(comm, path, columns.size());
  collectively(comm, [&] {
    if (!comm.is_root()) return;
    history.open("wb");
    history.write_line(join(columns));
  });
  return history;
}

bool History::is_begun(const std::string& path, const std::vector<std::string>& columns) {
  file_size(path);  // raises where there is nothing to read, or no end of it
  const std::string header = join(columns);
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  return file.eof() ? header.starts_with(line) : line == header;
}

History History::resume(const Communicator& comm, const std::string& path,
                        const std::vector<std::string>& columns, std::size_t rows) {
  History history(comm, path, columns.size());
  collectively(comm, [&] {
    if (!comm.is_root()) return;
    truncate_rows(path, join(columns), rows);
    history.open("ab");
  });
  return history;
}

void History::append(std::span<const double> row) {
  collectively(comm_, [&] {
    if (!comm_.is_root()) return;
    if (row.size() != columns_) {
      throw Error(ExitStatus::internal_error, path_ + ": a row of " + std::to_string(row.size()) +
                                                  " values for " + std::to_string(columns_) + " columns");
    }
    std::vector<std::string> cells;
    for (const double value : row) cells.push_back(shortest(value));
    write_line(join(cells));
  });
}

void History::open(const char* mode) {
  file_.reset(std::fopen(path_.c_str(), mode));
  if (!file_) fail_with_errno(path_, "cannot be written");
}

void History::write_line(const std::string& line) {
  const bool written = std::fprintf(file_.get(), "%s\n", line.c_str()) >= 0 && std::fflush(file_.get()) == 0;
  if (!written || ::fsync(::fileno(file_.get())) != 0) fail_with_errno(path_, "a row cannot be written");
}

}  // namespace spnode::io
