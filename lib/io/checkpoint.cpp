#include "io/checkpoint.hpp"

#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "io/replicated.hpp"

#include <algorithm>
#include <fstream>
#include <string_view>

namespace spnode::io {

using hdf5::File;
using parallel::collectively;
using parallel::Communicator;

namespace {

constexpr const char* format = "spnode.checkpoint";
constexpr int format_version = 1;

/// Behind HDF5's own bytes stand this mark and the checksum of all bytes before it. HDF5 ignores them. They
/// are verified before HDF5 sees the file, because it follows damaged structures without end in some cases.
constexpr std::string_view mark = "spnode: checksum";
constexpr std::size_t digits = 16;

/// 64-bit FNV-1a (Fowler, Noll, Vo) in hexadecimal digits.
std::string checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  std::string text(digits, '0');
  for (std::size_t i = 0; i < digits; ++i) text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
  return text;
}

void seal(const std::string& path) {
  const std::string bytes = read_bytes(path);
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << mark << checksum(bytes) << std::flush;
  if (!file) throw FileError(path + ": the checksum cannot be written");
}

/// Takes the mark and the checksum off the bytes of a checkpoint, or raises FileError.
void verify_seal(std::string& bytes, const std::string& path) {
  hdf5::require_signature(bytes, path);
  const std::size_t length = bytes.size() - std::min(bytes.size(), mark.size() + digits);
  const std::string_view contents(bytes.data(), length);
  if (std::string_view(bytes).substr(length) != std::string(mark) + checksum(contents)) {
    throw FileError(path +
                    ": not a checkpoint of spnode, or damaged or truncated: its checksum does not match");
  }
  bytes.resize(length);
}

void write_contents(File& file, const Checkpoint& contents) {
  write_format(file, format, format_version);
  for (const char* group : {"/doubles", "/integers", "/strings"}) file.create_group(group);
  for (const auto& [name, values] : contents.doubles) file.write("/doubles/" + name, values, {values.size()});
  for (const auto& [name, values] : contents.integers)
    file.write("/integers/" + name, values, {values.size()});
  for (const auto& [name, text] : contents.strings) file.write("/strings/" + name, text);
}

Checkpoint read_contents(const File& file) {
  check_format(file, format, format_version);
  Checkpoint contents;
  contents.path = file.path();
  for (const std::string& name : file.members("/doubles")) {
    contents.doubles[name] = file.read_doubles("/doubles/" + name);
  }
  for (const std::string& name : file.members("/integers")) {
    contents.integers[name] = file.read_integers("/integers/" + name);
  }
  for (const std::string& name : file.members("/strings")) {
    contents.strings[name] = file.read_string("/strings/" + name);
  }
  return contents;
}

template <class Entries>
const auto& find(const Entries& entries, const std::string& path, const std::string& name) {
  const auto found = entries.find(name);
  if (found == entries.end()) throw FileError(path + ": the checkpoint has no entry '" + name + "'");
  return found->second;
}

}  // namespace

const std::vector<double>& Checkpoint::doubles_at(const std::string& name) const {
  return find(doubles, path, name);
}
const std::vector<std::int64_t>& Checkpoint::integers_at(const std::string& name) const {
  return find(integers, path, name);
}
const std::string& Checkpoint::string_at(const std::string& name) const { return find(strings, path, name); }

void write_checkpoint(const Communicator& comm, const std::string& path, const Checkpoint& contents) {
  write_on_root(comm, path, Overwrite::yes, [&](const std::string& temporary) {
    File file = File::create(temporary);
    write_contents(file, contents);
    file.close();
    seal(temporary);
  });
}

Checkpoint read_checkpoint(const Communicator& comm, const std::string& path) {
  std::string image = replicate(comm, path);
  Checkpoint contents;
  collectively(comm, [&] {
    verify_seal(image, path);
    contents = read_contents(File::open_image(image, path));
  });
  return contents;
}

}  // namespace spnode::io
