#pragma once
/// Whole files as bytes, through system calls whose failures are all looked at.

#include <cstddef>
#include <string>
#include <string_view>

namespace spnode::io {

/// Owner of a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;

  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }
  /// Closes early; false where the system reports a failure.
  bool close();

 private:
  int number_;
};

/// Raises FileError "<path>: <problem>: <the system's reason>" from errno.
[[noreturn]] void fail_with_errno(const std::string& path, const std::string& problem);

/// Bytes of a regular file. Raises FileError where there is none: a directory, a pipe or a device would be
/// waited for or read without end. Not collective.
std::size_t file_size(const std::string& path);

/// The bytes of a regular file. Not collective; raises FileError.
std::string read_bytes(const std::string& path);

/// At most the last `count` of them.
std::string read_end(const std::string& path, std::size_t count);

/// Writes all bytes where the file or pipe stands, or from `offset` on, however often the system takes only
/// some of them; false on failure, with errno set. Not collective.
bool write_all(const Descriptor& out, std::string_view bytes);
bool write_all_at(const Descriptor& file, std::size_t offset, std::string_view bytes);

/// Puts `bytes` into the existing file `path` with checked writes, forces them to the disk, reads them back
/// and compares. Not collective; raises FileError under the name `shown`.
void write_bytes(const std::string& path, std::string_view bytes, const std::string& shown);

/// Takes the disk's space for all bytes of a file that has holes, so that a full disk is known before they
/// are written, where the file system can do so. Not collective; raises FileError under the name `shown`.
void reserve_space(const std::string& path, const std::string& shown);

/// Forces a file's data, or a directory's names, to the disk. Not collective; raises FileError under the name
/// `shown`.
void synchronize(const std::string& path, const std::string& shown);

/// Length of a checksum.
inline constexpr std::size_t checksum_digits = 16;

/// 64-bit FNV-1a (Fowler, Noll, Vo) in hexadecimal digits. A change within one byte always changes it.
std::string checksum(std::string_view bytes);

}  // namespace spnode::io
