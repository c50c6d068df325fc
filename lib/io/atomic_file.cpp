#include "io/atomic_file.hpp"

#include "parallel/broadcast.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace spnode::io {

namespace fs = std::filesystem;
using parallel::collectively;
using parallel::Communicator;

namespace {

constexpr const char* marker = ".tmp-";
constexpr std::chrono::hours leftover_age{1};  // younger ones may belong to a program that still runs

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  const std::string why = std::strerror(errno);
  throw FileError(path + ": " + problem + ": " + why);
}

void refuse_existing(const std::string& path, Overwrite overwrite) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) throw FileError(path + ": is a directory, not a file to write");
  if (overwrite == Overwrite::no && fs::exists(path, ignored)) {
    throw UsageError(path + " exists; remove it, choose another name, or pass --overwrite");
  }
}

/// Removes the temporary files that killed programs have left for the same final name.
void remove_leftovers(const std::string& path) {
  const fs::path final_path(path);
  const fs::path directory = final_path.has_parent_path() ? final_path.parent_path() : fs::path(".");
  const std::string prefix = final_path.filename().string() + marker;
  const auto now = fs::file_time_type::clock::now();
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    std::error_code unreadable;
    const bool leftover = entry.path().filename().string().starts_with(prefix);
    if (leftover && now - entry.last_write_time(unreadable) > leftover_age && !unreadable) {
      fs::remove(entry.path(), unreadable);
    }
  }
}

/// Forces a file's data, or a directory's names, to the disk.
void synchronize(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  if (descriptor < 0) fail(path, "cannot be opened");
  const int outcome = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (outcome != 0) fail(path, "cannot be forced to the disk");
}

}  // namespace

void check_overwrite(const Communicator& comm, const std::string& path, Overwrite overwrite) {
  collectively(comm, [&] {
    if (comm.is_root()) refuse_existing(path, overwrite);
  });
}

AtomicFile::AtomicFile(const Communicator& comm, std::string path, Overwrite overwrite)
    : comm_(comm), path_(std::move(path)), overwrite_(overwrite) {
  collectively(comm_, [&] {
    if (comm_.is_root()) create_temporary();
  });
  parallel::broadcast(comm_, temporary_);
}

AtomicFile::~AtomicFile() {
  if (!committed_ && comm_.is_root() && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::create_temporary() {
  refuse_existing(path_, overwrite_);
  remove_leftovers(path_);
  std::string name = path_ + marker + "XXXXXX";
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) fail(path_, "cannot be written");
  temporary_ = name;
  const mode_t mask = ::umask(0);  // mkstemp keeps the file to its owner; give it the usual rights
  ::umask(mask);
  ::fchmod(descriptor, 0666 & ~mask);
  ::close(descriptor);
}

void AtomicFile::publish() const {
  synchronize(temporary_);
  refuse_existing(path_, overwrite_);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "cannot be given its name");
  const std::string directory = fs::path(path_).parent_path().string();
  synchronize(directory.empty() ? "." : directory);
}

void AtomicFile::commit() {
  collectively(comm_, [&] {
    if (comm_.is_root()) publish();
  });
  committed_ = true;
}

void write_on_root(const Communicator& comm, const std::string& path, Overwrite overwrite,
                   const std::function<void(const std::string& temporary)>& work) {
  AtomicFile target(comm, path, overwrite);
  collectively(comm, [&] {
    if (comm.is_root()) work(target.temporary());
  });
  target.commit();
}

void write_text(const Communicator& comm, const std::string& path, const std::string& text,
                Overwrite overwrite) {
  write_on_root(comm, path, overwrite, [&](const std::string& temporary) {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text << std::flush;
    if (!file) fail(path, "cannot be written");
  });
}

}  // namespace spnode::io
