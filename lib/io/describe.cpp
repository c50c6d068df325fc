#include "io/describe.hpp"

#include "io/child_process.hpp"
#include "io/file_bytes.hpp"
#include "io/hdf5.hpp"
#include "io/sealed_file.hpp"
#include "io/text.hpp"
#include "parallel/broadcast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>

namespace spnode::io {

using hdf5::DatasetInfo;
using hdf5::ElementType;
using hdf5::File;

namespace {

constexpr std::size_t piece = std::size_t(1) << 20;  // numbers read at a time
constexpr std::size_t most = std::size_t(1) << 27;   // numbers of a dataset that are looked at
constexpr std::size_t longest_text = 60;             // longer texts are named by their length

const std::map<std::string, std::string> kinds = {{"spnode.trajectories", "trajectories"},
                                                  {"spnode.model", "a trained model"},
                                                  {"spnode.checkpoint", "a checkpoint of a training run"},
                                                  {"spnode.spectrum", "the spectrum of a model"},
                                                  {"spnode.statistics", "statistics of forecasts"},
                                                  {"spnode.limit_sets", "omega-limit sets"}};

/// The range of values, and how many are not finite.
class ValueRange {
 public:
  void add(double value) {
    if (!std::isfinite(value)) {
      ++non_finite_;
      return;
    }
    least_ = std::min(least_, value);
    greatest_ = std::max(greatest_, value);
  }
  std::string print() const {
    std::string text;
    if (least_ <= greatest_) text = "  from " + shortest(least_) + " to " + shortest(greatest_);
    if (non_finite_ > 0) text += "  NOT FINITE: " + std::to_string(non_finite_) + " values";
    return text;
  }

 private:
  double least_ = std::numeric_limits<double>::infinity(), greatest_ = -least_;
  std::size_t non_finite_ = 0;
};

/// The first entries of a dataset, about `most` of them.
hdf5::Slab leading_part(const std::vector<std::size_t>& shape) {
  hdf5::Slab slab = {std::vector<std::size_t>(shape.size(), 0), shape};
  double entries = 1.0;  // without overflow
  for (const std::size_t extent : shape) entries *= double(extent);
  for (std::size_t d = 0; entries > double(most); ++d) {
    const double below = entries / double(shape[d]);
    slab.count[d] = std::max<std::size_t>(1, static_cast<std::size_t>(double(most) / below));
    entries = below * double(slab.count[d]);
  }
  return slab;
}

/// What is said of the values of a dataset.
std::string print_range(const File& file, const std::string& name, const DatasetInfo& info) {
  ValueRange range;
  const auto add = [&](const std::vector<double>& values) {
    std::for_each(values.begin(), values.end(), [&](double x) { range.add(x); });
  };
  if (info.shape.empty()) {
    add(file.read_doubles(name));
    return range.print();
  }
  const hdf5::Slab slab = leading_part(info.shape);
  hdf5::for_each_part(slab, piece, [&](const hdf5::Slab& part) {
    std::vector<double> values(part.size());
    file.read_slab(name, part, values);
    add(values);
  });
  return range.print() + (slab.count == info.shape ? "" : "  (of the first " + print_shape(slab.count) + ")");
}

std::string describe_values(const File& file, const std::string& name, const DatasetInfo& info) {
  if (info.type == ElementType::string && info.shape.empty()) {
    const std::string text = file.read_string(name);
    const bool brief = text.size() <= longest_text && text.find('\n') == std::string::npos;
    return brief ? "  " + text : "  " + std::to_string(text.size()) + " bytes of text";
  }
  if (info.type == ElementType::string || info.type == ElementType::other) return "";
  return print_range(file, name, info);
}

std::string describe_dataset(const File& file, const std::string& name) {
  const DatasetInfo info = file.info(name);
  std::string line = "  " + name + "  " + (info.shape.empty() ? "" : print_shape(info.shape) + " ") +
                     to_string(info.type) + describe_values(file, name, info);
  if (const auto meaning = file.string_attribute(name, "meaning")) line += "  (" + *meaning + ")";
  return line;
}

std::string describe_file(const std::string& path) {
  const File file = open_any(path);
  const std::string format = file.string_attribute("/", "format").value_or("");
  std::string kind = "an HDF5 file that names no format of spnode";
  if (const auto known = kinds.find(format); known != kinds.end()) kind = known->second;
  if (format.empty() && file.has_dataset("/state") && file.has_dataset("/time"))
    kind = kinds.at("spnode.trajectories");

  std::ostringstream text;
  text << path << ": " << kind << '\n';
  for (const hdf5::Attribute& attribute : file.attributes("/")) {
    text << "  " << attribute.name << " = " << attribute.text << '\n';
  }
  for (const std::string& name : file.datasets()) text << describe_dataset(file, name) << '\n';
  return text.str();
}

}  // namespace

std::vector<std::string> describe(const parallel::Communicator& comm, const std::string& path) {
  std::string text;
  parallel::collectively(comm, [&] {
    if (comm.is_root()) text = in_child(path, {file_size(path)}, [&] { return describe_file(path); });
  });
  parallel::broadcast(comm, text);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace spnode::io
