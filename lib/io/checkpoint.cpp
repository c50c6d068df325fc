#include "io/checkpoint.hpp"

#include "io/hdf5.hpp"
#include "io/replicated.hpp"

#include <bit>
#include <cstring>

namespace spnode::io {

using hdf5::File;
using parallel::collectively;
using parallel::Communicator;

namespace {

constexpr const char* format = "spnode.checkpoint";
constexpr int format_version = 1;
constexpr const char* checksum_name = "checksum";

/// 64-bit FNV-1a (Fowler, Noll, Vo).
class Checksum {
 public:
  void add(const void* data, std::size_t length) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < length; ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001b3u;
  }
  /// Name and length too, so that nothing can move between entries unnoticed.
  template <class Entries>
  void add_entries(const Entries& entries) {
    for (const auto& [name, values] : entries) {
      const std::uint64_t sizes[2] = {name.size(), values.size()};
      add(sizes, sizeof sizes);
      add(name.data(), name.size());
      add(values.data(), values.size() * sizeof values[0]);
    }
  }
  std::int64_t value() const { return std::bit_cast<std::int64_t>(hash_); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

std::int64_t checksum_of(const Checkpoint& contents) {
  Checksum sum;
  sum.add_entries(contents.doubles);
  sum.add_entries(contents.integers);
  sum.add_entries(contents.strings);
  return sum.value();
}

void write_contents(File& file, const Checkpoint& contents) {
  write_format(file, format, format_version);
  file.set_attribute("/", checksum_name, checksum_of(contents));
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
  if (file.integer_attribute("/", checksum_name) != checksum_of(contents)) {
    throw FileError(file.path() + ": the checkpoint is damaged: its contents do not match its checksum");
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
  AtomicFile target(comm, path, Overwrite::yes);
  write_on_root(comm, target, [&](File& file) { write_contents(file, contents); });
}

Checkpoint read_checkpoint(const Communicator& comm, const std::string& path) {
  const std::string image = replicate(comm, path);
  Checkpoint contents;
  collectively(comm, [&] { contents = read_contents(File::open_image(image, path)); });
  return contents;
}

}  // namespace spnode::io
