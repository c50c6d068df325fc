#include "io/atomic_file.hpp"

#include "io/file_bytes.hpp"
#include "io/process_name.hpp"
#include "parallel/broadcast.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

namespace spnode::io {

namespace fs = std::filesystem;
using parallel::collectively;
using parallel::Communicator;

namespace {

constexpr const char* marker = ".tmp-";
constexpr std::chrono::hours leftover_age{1};  // of programs on other machines, which may still run

void refuse_existing(const std::string& path, Overwrite overwrite) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) throw FileError(path + ": is a directory, not a file to write");
  if (overwrite == Overwrite::no && fs::exists(path, ignored)) {
    throw UsageError(path + " exists; remove it, choose another name, or pass --overwrite");
  }
}

/// Whether a temporary file, whose name goes on with `writer`, is of a program that runs no more.
bool is_leftover(const fs::directory_entry& file, const std::string& writer) {
  const std::optional<ProcessName> process = parse_process_name(writer);
  if (const std::optional<bool> running = process ? is_running(*process) : std::nullopt) return !*running;
  std::error_code unreadable;
  const auto age = fs::file_time_type::clock::now() - file.last_write_time(unreadable);
  return !unreadable && age > leftover_age;
}

/// Removes the temporary files for a final name of which `is_unwanted` says so, given the file and how its
/// name goes on.
void remove_temporaries(
    const std::string& path,
    const std::function<bool(const fs::directory_entry&, const std::string&)>& is_unwanted) {
  const fs::path final_path(path);
  const fs::path directory = final_path.has_parent_path() ? final_path.parent_path() : fs::path(".");
  const std::string prefix = final_path.filename().string() + marker;
  std::error_code error, ignored;
  for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(prefix) && is_unwanted(*entry, name.substr(prefix.size())))
      fs::remove(entry->path(), ignored);
  }
}

}  // namespace

void check_overwrite(const Communicator& comm, const std::string& path, Overwrite overwrite) {
  collectively(comm, [&] {
    if (comm.is_root()) refuse_existing(path, overwrite);
  });
}

void remove_temporaries(const Communicator& comm, const std::string& path) {
  collectively(comm, [&] {
    if (comm.is_root())
      remove_temporaries(path, [](const fs::directory_entry&, const std::string&) { return true; });
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
  remove_temporaries(path_, is_leftover);
  std::string name = path_ + marker + to_string(this_process()) + "-XXXXXX";
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) fail_with_errno(path_, "cannot be written");
  temporary_ = name;
  const mode_t mask = ::umask(0);  // mkstemp keeps the file to its owner; give it the usual rights
  ::umask(mask);
  const Descriptor file(descriptor);
  ::fchmod(file.number(), 0666 & ~mask);
}

void AtomicFile::publish() const {
  synchronize(temporary_, path_);
  refuse_existing(path_, overwrite_);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno(path_, "cannot be given its name");
  const std::string directory = fs::path(path_).parent_path().string();
  synchronize(directory.empty() ? "." : directory, path_);
}

void AtomicFile::commit() {
  collectively(comm_, [&] {
    if (comm_.is_root()) publish();
  });
  committed_ = true;
}

void write_whole(const Communicator& comm, const std::string& path, Overwrite overwrite,
                 const std::function<std::string()>& contents) {
  AtomicFile target(comm, path, overwrite);
  collectively(comm, [&] {
    if (comm.is_root()) write_bytes(target.temporary(), contents(), path);
  });
  target.commit();
}

void write_text(const Communicator& comm, const std::string& path, const std::string& text,
                Overwrite overwrite) {
  write_whole(comm, path, overwrite, [&] { return text; });
}

}  // namespace spnode::io
