#include "io/checkpoint.hpp"

#include "io/hdf5.hpp"
#include "io/sealed_file.hpp"

namespace spnode::io {

using hdf5::File;
using parallel::Communicator;

namespace {

constexpr const char* format = "spnode.checkpoint";
constexpr int format_version = 1;

void write_contents(File& file, const Checkpoint& contents) {
  for (const char* group : {"/doubles", "/integers", "/strings"}) file.create_group(group);
  for (const auto& [name, values] : contents.doubles) file.write("/doubles/" + name, values, {values.size()});
  for (const auto& [name, values] : contents.integers)
    file.write("/integers/" + name, values, {values.size()});
  for (const auto& [name, text] : contents.strings) file.write("/strings/" + name, text);
}

Checkpoint read_contents(const File& file) {
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
  write_sealed(comm, path, format, format_version, Overwrite::yes,
               [&](File& file) { write_contents(file, contents); });
}

Checkpoint read_checkpoint(const Communicator& comm, const std::string& path) {
  Checkpoint contents;
  read_sealed(comm, path, format, format_version, [&](const File& file) { contents = read_contents(file); });
  return contents;
}

}  // namespace spnode::io
