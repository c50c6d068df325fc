#include "io/array_file.hpp"

#include "io/hdf5.hpp"
#include "io/sealed_file.hpp"
#include "io/text.hpp"

#include <algorithm>
#include <numeric>

namespace spnode::io {

using hdf5::ElementType;
using hdf5::File;
using parallel::Communicator;

namespace {

constexpr const char* deck_name = "/deck";
constexpr const char* options_name = "/options";
constexpr const char* version_name = "version";

void write_contents(File& file, const ArrayFile& contents) {
  file.set_attribute("/", version_name, contents.version);
  for (const auto& [name, value] : contents.scalars) file.set_attribute("/", name, value);
  if (!contents.deck.empty()) file.write(deck_name, contents.deck);
  if (!contents.options.empty()) file.write(options_name, contents.options);
  for (const NamedArray& array : contents.arrays) {
    const std::string name = "/" + array.name;
    const std::size_t size =
        std::accumulate(array.shape.begin(), array.shape.end(), std::size_t(1), std::multiplies<>());
    if (size != array.values.size()) {
      throw Error(ExitStatus::internal_error, name + ": " + std::to_string(array.values.size()) +
                                                  " values for the shape " + print_shape(array.shape));
    }
    file.write(name, array.values, array.shape);
    file.set_attribute(name, "meaning", array.meaning);
  }
}

ArrayFile read_contents(const File& file) {
  ArrayFile contents;
  contents.path = file.path();
  contents.version = file.string_attribute("/", version_name).value_or("");
  for (const hdf5::Attribute& attribute : file.attributes("/")) {
    const auto value = file.number_attribute("/", attribute.name);
    if (value && attribute.name != "format_version") contents.scalars[attribute.name] = *value;
  }
  if (file.has_dataset(deck_name)) contents.deck = file.read_string(deck_name);
  if (file.has_dataset(options_name)) contents.options = file.read_string(options_name);
  for (const std::string& name : file.datasets()) {
    const hdf5::DatasetInfo info = file.info(name);
    if (info.type != ElementType::float64 && info.type != ElementType::float32) continue;
    contents.arrays.push_back({name.substr(1), info.shape,
                               file.string_attribute(name, "meaning").value_or(""), file.read_doubles(name)});
  }
  return contents;
}

}  // namespace

bool ArrayFile::has_array(const std::string& name) const {
  return std::any_of(arrays.begin(), arrays.end(),
                     [&](const NamedArray& array) { return array.name == name; });
}

const NamedArray& ArrayFile::array(const std::string& name) const {
  const auto found =
      std::find_if(arrays.begin(), arrays.end(), [&](const NamedArray& array) { return array.name == name; });
  if (found == arrays.end()) throw FileError(path + ": /" + name + " is missing");
  return *found;
}

const NamedArray& ArrayFile::array(const std::string& name, const std::vector<std::size_t>& shape) const {
  const NamedArray& found = array(name);
  if (found.shape != shape) {
    throw FileError(path + ": /" + name + " has the shape " + print_shape(found.shape) + "; " +
                    print_shape(shape) + " is needed");
  }
  return found;
}

double ArrayFile::scalar(const std::string& name) const {
  const auto found = scalars.find(name);
  if (found == scalars.end()) throw FileError(path + ": the attribute " + name + " of / is missing");
  return found->second;
}

void write_array_file(const Communicator& comm, const std::string& path, const ArrayFormat& format,
                      const ArrayFile& contents, Overwrite overwrite) {
  write_sealed(comm, path, format.name, format.version, overwrite,
               [&](File& file) { write_contents(file, contents); });
}

ArrayFile read_array_file(const Communicator& comm, const std::string& path, const ArrayFormat& format) {
  ArrayFile contents;
  read_sealed(comm, path, format.name, format.version,
              [&](const File& file) { contents = read_contents(file); });
  return contents;
}

}  // namespace spnode::io
