#include "io/file_bytes.hpp"

#include "core/support/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

namespace spnode::io {

namespace {

std::size_t regular_size(const struct stat& status, const std::string& path) {
  if (S_ISDIR(status.st_mode)) throw FileError(path + ": is a directory, not a file");
  if (!S_ISREG(status.st_mode)) throw FileError(path + ": is not a regular file");
  return static_cast<std::size_t>(status.st_size);
}

/// Calls `call(done)`, which moves some bytes after the first `done`, until `count` are through; false on
/// failure or an early end, with errno set.
template <class Call>
bool transfer(std::size_t count, const Call& call) {
  for (std::size_t done = 0; done < count;) {
    const ssize_t more = call(done);
    if (more < 0 && errno == EINTR) continue;
    if (more == 0) errno = EIO;
    if (more <= 0) return false;
    done += static_cast<std::size_t>(more);
  }
  return true;
}

bool read_all(const Descriptor& file, char* bytes, std::size_t count) {
  return transfer(count, [&](std::size_t done) { return ::read(file.number(), bytes + done, count - done); });
}

/// Whether a file holds these bytes, read piece by piece: the whole may be large.
bool holds(const std::string& path, std::string_view bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1 << 16> piece;
  if (!file.valid() || file_size(path) != bytes.size()) return false;
  while (!bytes.empty()) {
    const std::string_view expected = bytes.substr(0, piece.size());
    if (!read_all(file, piece.data(), expected.size()) ||
        std::string_view(piece.data(), expected.size()) != expected)
      return false;
    bytes.remove_prefix(expected.size());
  }
  return true;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

bool Descriptor::close() {
  const int number = std::exchange(number_, -1);
  return number < 0 || ::close(number) == 0;
}

void fail_with_errno(const std::string& path, const std::string& problem) {
  const std::string why = std::strerror(errno);
  throw FileError(path + ": " + problem + ": " + why);
}

std::size_t file_size(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) throw FileError(path + ": no such file");
    fail_with_errno(path, "cannot be read");
  }
  return regular_size(status, path);
}

std::string read_bytes(const std::string& path) {
  return read_end(path, std::numeric_limits<std::size_t>::max());
}

std::string read_end(const std::string& path, std::size_t count) {
  file_size(path);  // says why there is nothing to open
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || ::fstat(file.number(), &status) != 0) fail_with_errno(path, "cannot be read");
  const std::size_t size = regular_size(status, path);
  std::string bytes(std::min(size, count), '\0');
  if (::lseek(file.number(), static_cast<off_t>(size - bytes.size()), SEEK_SET) < 0 ||
      !read_all(file, bytes.data(), bytes.size()))
    fail_with_errno(path, "cannot be read");
  return bytes;
}

bool write_all(const Descriptor& out, std::string_view bytes) {
  return transfer(bytes.size(), [&](std::size_t done) {
    return ::write(out.number(), bytes.data() + done, bytes.size() - done);
  });
}

bool write_all_at(const Descriptor& file, std::size_t offset, std::string_view bytes) {
  return transfer(bytes.size(), [&](std::size_t done) {
    return ::pwrite(file.number(), bytes.data() + done, bytes.size() - done,
                    static_cast<off_t>(offset + done));
  });
}

void write_bytes(const std::string& path, std::string_view bytes, const std::string& shown) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!file.valid() || !write_all(file, bytes) || ::fsync(file.number()) != 0)
    fail_with_errno(shown, "cannot be written");
  // What is read back should come from the disk and not from the system's memory.
  ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED);
  if (!file.close()) fail_with_errno(shown, "cannot be written");
  if (!holds(path, bytes))
    throw FileError(shown + ": cannot be written: what is read back differs from what was written");
}

void reserve_space(const std::string& path, const std::string& shown) {
  const auto size = static_cast<off_t>(file_size(path));
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) fail_with_errno(shown, "cannot be written");
  if (::fallocate(file.number(), 0, 0, size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return;
  fail_with_errno(shown, "cannot be written: " + std::to_string(size) + " bytes are needed");
}

void synchronize(const std::string& path, const std::string& shown) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() || ::fsync(file.number()) != 0) fail_with_errno(shown, "cannot be forced to the disk");
}

std::string checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  std::string text(checksum_digits, '0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
  return text;
}

}  // namespace spnode::io
