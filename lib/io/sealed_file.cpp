#include "io/sealed_file.hpp"

#include "io/file_bytes.hpp"
#include "parallel/broadcast.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace spnode::io {

using hdf5::File;
using parallel::collectively;
using parallel::Communicator;

namespace {

constexpr std::string_view mark = "spnode: checksum";
constexpr std::size_t seal_length = mark.size() + checksum_digits;

/// HDF5's own bytes of a sealed file's; nothing where they bear no seal. Raises FileError where the checksum
/// does not match.
std::optional<std::string> unseal(std::string bytes, const std::string& path) {
  const std::size_t length = bytes.size() - std::min(bytes.size(), seal_length);
  const std::string_view seal = std::string_view(bytes).substr(length);
  if (!seal.starts_with(mark)) return std::nullopt;
  if (seal.substr(mark.size()) != checksum(std::string_view(bytes).substr(0, length)))
    throw FileError(path + ": is damaged: its checksum does not match");
  bytes.resize(length);
  return bytes;
}

}  // namespace

void write_sealed(const Communicator& comm, const std::string& path, const std::string& format, int version,
                  Overwrite overwrite, const std::function<void(File&)>& fill) {
  write_whole(comm, path, overwrite, [&] {
    File file = File::create_image(path);
    write_format(file, format, version);
    fill(file);
    std::string bytes = file.close_image(seal_length);
    const std::string digits = checksum(bytes);
    return bytes.append(mark).append(digits);
  });
}

File open_any(const std::string& path) {
  const std::string end = read_end(path, seal_length);
  if (!end.starts_with(mark)) return File::open(path);
  return File::open_image(*unseal(read_bytes(path), path), path);
}

void read_sealed(const Communicator& comm, const std::string& path, const std::string& format, int version,
                 const std::function<void(const File&)>& take) {
  std::string image;
  collectively(comm, [&] {
    if (!comm.is_root()) return;
    std::string bytes = read_bytes(path);
    hdf5::require_signature(bytes, path);
    std::optional<std::string> contents = unseal(std::move(bytes), path);
    if (!contents)
      throw FileError(path + ": has no checksum at its end; it is truncated or damaged, or was not written " +
                      "by this program as " + format);
    image = std::move(*contents);
  });
  parallel::broadcast(comm, image);
  collectively(comm, [&] {
    const File file = File::open_image(std::move(image), path);
    check_format(file, format, version);
    take(file);
  });
}

void write_format(File& file, const std::string& format, int version) {
  file.set_attribute("/", "format", format);
  file.set_attribute("/", "format_version", static_cast<std::int64_t>(version));
}

void check_format(const File& file, const std::string& format, int version) {
  const auto found = file.string_attribute("/", "format");
  if (found != format) {
    file.fail("attribute format of /",
              "is " + (found ? "'" + *found + "'" : std::string("missing")) + "; '" + format + "' is needed");
  }
  const auto number = file.integer_attribute("/", "format_version");
  if (!number || *number < 1 || *number > version) {
    file.fail("attribute format_version of /",
              "is " + (number ? std::to_string(*number) : std::string("missing")) +
                  "; this program reads up to " + std::to_string(version));
  }
}

}  // namespace spnode::io
