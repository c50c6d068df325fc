// Inspecting and reading trajectory files; writing is in trajectory_writer.cpp.
#include "io/trajectories.hpp"

#include "core/support/memory_limit.hpp"
#include "io/child_process.hpp"
#include "io/file_bytes.hpp"
#include "io/sealed_file.hpp"
#include "io/text.hpp"
#include "io/trajectory_format.hpp"
#include "parallel/broadcast.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::io {

using hdf5::DatasetInfo;
using hdf5::ElementType;
using hdf5::File;
using hdf5::Slab;
using parallel::collectively;
using parallel::Communicator;

namespace {

bool is_floating(ElementType type) { return type == ElementType::float32 || type == ElementType::float64; }

void require_dataset(const File& file, const char* name, const char* shape) {
  if (!file.has_dataset(name))
    file.fail(name, std::string("is missing; a trajectory file needs it as ") + shape);
}

void inspect_state(const File& file, TrajectoryInfo& info) {
  require_dataset(file, state_name, "(trajectories, times, components) float64 or float32");
  const DatasetInfo state = file.info(state_name);
  if (!is_floating(state.type)) {
    file.fail(state_name, "holds " + to_string(state.type) + "; float64 or float32 is needed");
  }
  if (state.shape.size() != 3) {
    file.fail(state_name,
              "has the shape " + print_shape(state.shape) + "; (trajectories, times, components) is needed");
  }
  if (std::ranges::count(state.shape, std::size_t(0)) > 0)
    file.fail(state_name, "has the shape " + print_shape(state.shape) + "; no extent may be zero");
  info.state_type = state.type;
  info.count = state.shape[0];
  info.times = state.shape[1];
  info.components = state.shape[2];
}

/// Integers are taken as well, since numpy.arange makes them.
void require_numbers(const File& file, const std::string& name, const DatasetInfo& found) {
  if (!is_floating(found.type) && found.type != ElementType::integer) {
    file.fail(name, "holds " + to_string(found.type) + "; numbers are needed");
  }
}

void inspect_time(const File& file, TrajectoryInfo& info) {
  require_dataset(file, time_name, "(times) or (trajectories, times)");
  const DatasetInfo time = file.info(time_name);
  require_numbers(file, time_name, time);
  const std::vector<std::size_t> shared = {info.times}, separate = {info.count, info.times};
  if (time.shape != shared && time.shape != separate) {
    file.fail(time_name, "has the shape " + print_shape(time.shape) + "; /state needs " +
                             print_shape(shared) + " or " + print_shape(separate));
  }
  info.time_axis = time.shape == shared ? TimeAxis::shared : TimeAxis::per_trajectory;
}

/// Where there is one, the dataset of derivatives must be like that of the states.
void inspect_derivatives(const File& file, TrajectoryInfo& info) {
  if (!file.has_dataset(derivatives_name)) return;
  const DatasetInfo found = file.info(derivatives_name);
  if (!is_floating(found.type))
    file.fail(derivatives_name, "holds " + to_string(found.type) + "; float64 or float32 is needed");
  const std::vector<std::size_t> shape = {info.count, info.times, info.components};
  if (found.shape != shape)
    file.fail(derivatives_name,
              "has the shape " + print_shape(found.shape) + "; /state needs " + print_shape(shape));
  info.derivatives = Derivatives::present;
}

/// The names of the datasets of numbers in a group, each of the given shape; none where there is no group.
std::vector<std::string> inspect_group(const File& file, const std::string& group,
                                       const std::vector<std::size_t>& shape) {
  std::vector<std::string> names;
  if (!file.has_group(group)) return names;
  for (const std::string& member : file.members(group)) {
    const std::string name = std::string(group).append("/").append(member);
    if (!file.has_dataset(name)) file.fail(name, "is not a dataset");
    const DatasetInfo found = file.info(name);
    require_numbers(file, name, found);
    if (found.shape != shape)
      file.fail(name, "has the shape " + print_shape(found.shape) + "; /state needs " + print_shape(shape));
    names.push_back(member);
  }
  return names;
}

/// /tangents holds both of its datasets, of one shape, or none.
void inspect_tangents(const File& file, TrajectoryInfo& info) {
  const char* const shape = "(trajectories, times, directions, components)";
  const bool directions = file.has_dataset(directions_name), products = file.has_dataset(products_name);
  if (!directions && !products) return;
  for (const char* name : {directions_name, products_name}) {
    if (!file.has_dataset(name))
      file.fail(name, std::string("is missing; ") + (directions ? directions_name : products_name) +
                          " needs it beside it as " + shape);
    const DatasetInfo found = file.info(name);
    require_numbers(file, name, found);
    const std::size_t count = found.shape.size() == 4 ? found.shape[2] : 0;
    if (count == 0 || found.shape != std::vector{info.count, info.times, count, info.components})
      file.fail(name, "has the shape " + print_shape(found.shape) + "; " + shape + " as of /state is needed");
    if (info.tangents > 0 && count != info.tangents)
      file.fail(name, "has " + std::to_string(count) + " directions at a state; " + directions_name +
                          " has " + std::to_string(info.tangents));
    info.tangents = count;
  }
}

TrajectoryInfo inspect(const std::string& path) {
  const File file = File::open(path);
  TrajectoryInfo info;
  if (file.string_attribute("/", "format")) check_format(file, trajectory_format, trajectory_format_version);
  inspect_state(file, info);
  inspect_time(file, info);
  info.parameters = inspect_group(file, parameters_name, {info.count});
  info.inputs = inspect_group(file, inputs_name, {info.count, info.times});
  inspect_derivatives(file, info);
  inspect_tangents(file, info);
  std::vector<std::string> names = {state_name, time_name};
  if (info.derivatives == Derivatives::present) names.emplace_back(derivatives_name);
  for (const std::string& parameter : info.parameters) names.push_back(parameter_name(parameter));
  for (const std::string& input : info.inputs) names.push_back(input_name(input));
  if (info.tangents > 0) names.insert(names.end(), {directions_name, products_name});
  for (const std::string& name : names)
    if (info.unwritten.empty() && file.has_unwritten_parts(name)) info.unwritten = name;
  info.system = file.string_attribute("/", "system").value_or("");
  info.units = file.string_attribute("/", "units").value_or("");
  return info;
}

/// The info as text with zero bytes between the fields, to be sent to other processes.
std::string pack(const TrajectoryInfo& info) {
  std::string text;
  const auto add = [&](const std::string& field) { text.append(field).push_back('\0'); };
  for (const std::size_t number : {info.count, info.times, info.components, info.tangents})
    add(std::to_string(number));
  add(info.time_axis == TimeAxis::shared ? "shared" : "per_trajectory");
  add(info.state_type == ElementType::float32 ? "float32" : "float64");
  add(info.derivatives == Derivatives::present ? "derivatives" : "");
  add(info.unwritten);
  add(info.system);
  add(info.units);
  add(std::to_string(info.parameters.size()));
  for (const std::string& name : info.parameters) add(name);
  for (const std::string& name : info.inputs) add(name);
  return text;
}

TrajectoryInfo unpack(const std::string& text) {
  std::size_t position = 0;
  const auto next = [&] {
    const std::size_t end = text.find('\0', position);
    const std::string field = text.substr(position, end - position);
    position = end + 1;
    return field;
  };
  TrajectoryInfo info;
  info.count = std::stoull(next());
  info.times = std::stoull(next());
  info.components = std::stoull(next());
  info.tangents = std::stoull(next());
  info.time_axis = next() == "shared" ? TimeAxis::shared : TimeAxis::per_trajectory;
  info.state_type = next() == "float32" ? ElementType::float32 : ElementType::float64;
  info.derivatives = next().empty() ? Derivatives::absent : Derivatives::present;
  info.unwritten = next();
  info.system = next();
  info.units = next();
  const std::size_t parameters = std::stoull(next());
  while (info.parameters.size() < parameters) info.parameters.push_back(next());
  while (position < text.size()) info.inputs.push_back(next());
  return info;
}

/// Every time axis held must go strictly one way. `first_index`: file indices of the first number held.
void check_monotone(const std::string& path, const core::Trajectories& data, std::size_t first,
                    std::size_t time_begin) {
  const std::size_t axes = data.shared_time ? 1 : data.count;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    for (std::size_t t = 1; t < data.times; ++t) {
      const double direction = data.time_at(axis, 1) - data.time_at(axis, 0);
      const double step = data.time_at(axis, t) - data.time_at(axis, t - 1);
      if (direction * step > 0.0) continue;
      const std::string row = data.shared_time ? "" : std::to_string(first + axis) + ", ";
      const auto entry = [&](std::size_t i) {
        return std::string("[")
            .append(row)
            .append(std::to_string(time_begin + i))
            .append("] = ")
            .append(shortest(data.time_at(axis, i)));
      };
      throw FileError(path + ": " + time_name + entry(t) + " follows " + entry(t - 1) +
                      "; times must be strictly increasing or strictly decreasing");
    }
  }
}

/// Numbers that a child process reads at a time: in its copy of the memory they stand a second time.
constexpr std::size_t part_size = std::size_t(1) << 23;

/// Reads one slab of finite numbers. Not collective.
std::vector<double> read(const std::string& path, const std::string& name, const Slab& slab) {
  std::vector<double> values(slab.size());
  std::span<double> rest(values);
  hdf5::for_each_part(slab, part_size, [&](const Slab& part) {
    const std::span<double> numbers = rest.first(part.size());
    rest = rest.subspan(part.size());
    in_child(path, {numbers.size_bytes()}, numbers, [&] { File::open(path).read_slab(name, part, numbers); });
  });
  if (const auto bad = first_non_finite(values))
    throw FileError(path + ": " + name + print_index(slab, *bad) + " is " + shortest(values[*bad]) +
                    "; every value must be finite");
  return values;
}

/// Raises FileError where so many vectors at each time do not fit into memory.
void require_memory(const std::string& path, std::size_t count, std::size_t times, std::size_t components,
                    std::size_t vectors) {
  const double bytes = sizeof(double) * double(count) * double(times) * double(components) * double(vectors);
  if (bytes <= core::process_memory()) return;
  const std::string each = vectors == 1 ? "" : std::to_string(vectors) + " vectors at each time, each of ";
  throw FileError(path + ": " + std::to_string(count) + " trajectories of " + std::to_string(times) +
                  " times and " + each + std::to_string(components) + " components need " +
                  shown_bytes(bytes) + " of memory on one rank; a process here has " +
                  shown_bytes(core::process_memory()));
}

void check_range(const TrajectoryInfo& info, std::size_t first, std::size_t count, const ReadOptions& options,
                 const std::string& path) {
  if (first + count > info.count) {
    throw FileError(path + ": trajectories " + std::to_string(first) + " to " +
                    std::to_string(first + count) + " are asked for; the file holds " +
                    std::to_string(info.count));
  }
  if (options.time_begin >= std::min(options.time_end, info.times)) {
    throw FileError(path + ": times from index " + std::to_string(options.time_begin) +
                    " on are asked for; the file holds " + std::to_string(info.times));
  }
}

}  // namespace

std::optional<std::size_t> first_non_finite(std::span<const double> values) {
  const auto bad = std::find_if_not(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  if (bad == values.end()) return std::nullopt;
  return static_cast<std::size_t>(bad - values.begin());
}

std::string print_index(const Slab& slab, std::size_t position) {
  std::string text;
  for (std::size_t dimension = slab.count.size(); dimension-- > 0;) {
    const std::size_t index = slab.first[dimension] + position % slab.count[dimension];
    position /= slab.count[dimension];
    text = std::to_string(index) + (text.empty() ? "" : ", ") + text;
  }
  return std::string("[").append(text).append("]");
}

TrajectoryInfo inspect_trajectories(const Communicator& comm, const std::string& path) {
  std::string packed;
  collectively(comm, [&] {
    if (comm.is_root()) packed = in_child(path, {file_size(path)}, [&] { return pack(inspect(path)); });
  });
  parallel::broadcast(comm, packed);
  return unpack(packed);
}

core::Trajectories read_trajectories(const Communicator& comm, const std::string& path, std::size_t first,
                                     std::size_t count, const ReadOptions& options) {
  const TrajectoryInfo info = inspect_trajectories(comm, path);
  core::Trajectories data;
  collectively(comm, [&] {
    check_range(info, first, count, options, path);
    data.count = count;
    data.times = std::min(options.time_end, info.times) - options.time_begin;
    data.components = info.components;
    data.shared_time = info.time_axis == TimeAxis::shared;
    const std::size_t begin = options.time_begin;
    const Slab states = {{first, begin, 0}, {count, data.times, data.components}};
    const bool derivatives =
        options.content == Content::with_derivatives && info.derivatives == Derivatives::present;
    if (options.content != Content::no_states) {
      require_memory(path, count, data.times, data.components, derivatives ? 2 : 1);
      data.state = read(path, state_name, states);
    }
    if (derivatives) data.derivative = read(path, derivatives_name, states);
    const auto times_of = [&](std::size_t from, std::size_t times) {
      return data.shared_time ? read(path, time_name, {{from}, {times}})
                              : read(path, time_name, {{first, from}, {count, times}});
    };
    data.time = times_of(begin, data.times);
    for (const std::string& name : info.parameters)
      data.parameters[name] = read(path, parameter_name(name), {{first}, {count}});
    if (!info.inputs.empty()) {
      data.input_times = info.times;
      data.shared_input_time = data.shared_time;
      data.input_time = times_of(0, info.times);
    }
    for (const std::string& name : info.inputs)
      data.inputs[name] = read(path, input_name(name), {{first, 0}, {count, info.times}});
    if (options.tangents == Tangents::read && info.tangents > 0) {
      data.tangents = info.tangents;
      require_memory(path, count, data.times, info.components, 2 * info.tangents);
      const Slab slab = {{first, begin, 0, 0}, {count, data.times, info.tangents, info.components}};
      data.directions = read(path, directions_name, slab);
      data.products = read(path, products_name, slab);
    }
    check_monotone(path, data, first, begin);
  });
  collectively(comm, [&] {
    if (!info.unwritten.empty())
      throw FileError(path + ": parts of " + info.unwritten +
                      " were never written, or the files that hold them are missing");
  });
  return data;
}

}  // namespace spnode::io
