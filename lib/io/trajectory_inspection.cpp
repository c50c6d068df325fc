// What a trajectory file holds.
#include "io/trajectory_inspection.hpp"

#include "core/support/text.hpp"
#include "io/child_process.hpp"
#include "io/file_bytes.hpp"
#include "io/sealed_file.hpp"
#include "io/text.hpp"
#include "io/trajectory_format.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spnode::io {

using hdf5::DatasetInfo;
using hdf5::ElementType;
using hdf5::File;

namespace {

/// Integers, too: numpy.arange makes them, and instruments give counts.
bool is_number(ElementType type) { return type != ElementType::string && type != ElementType::other; }

void require_numbers(const File& file, const std::string& name, const DatasetInfo& found) {
  if (!is_number(found.type)) file.fail(name, "holds " + to_string(found.type) + "; numbers are needed");
}

void require_dataset(const File& file, const std::string& name, const char* shape) {
  if (!file.has_dataset(name))
    file.fail(name, std::string("is missing; a trajectory file needs it as ") + shape);
}

std::string print_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return "(" + list + ")";
}

/// Name and extent of each axis of a state where it has several.
std::string print_component_axes(const StoredAxes& stored) {
  std::string text;
  std::size_t count = 0;
  for (std::size_t i = 0; i < stored.shape.size(); ++i) {
    if (i == stored.trajectory || i == stored.times) continue;
    text.append(count++ > 0 ? ", " : "").append(stored.axes[i]).append(" ");
    text.append(std::to_string(stored.shape[i]));
  }
  return count > 1 ? text : "";
}

/// Finds the axes of the states' dataset.
void inspect_axes(const File& file, const TrajectoryLayout& layout, StoredAxes& stored) {
  const std::string found = "has the shape " + print_shape(stored.shape);
  const std::size_t rank = stored.shape.size();
  if (layout.axes.empty() && rank < 3)
    file.fail(stored.state, found + "; (trajectories, times, components) is needed, or names of its axes");
  if (!layout.axes.empty() && rank != layout.axes.size())
    file.fail(stored.state, found + "; its axes are said to be " + print_names(layout.axes));
  stored.axes = layout.axes;
  if (stored.axes.empty()) {
    stored.axes = {"trajectory", "time"};
    stored.axes.resize(rank, "component");
  }
  const auto place = [&](const char* name) {
    return std::size_t(std::ranges::find(stored.axes, name) - stored.axes.begin());
  };
  stored.trajectory = place("trajectory");
  stored.times = place("time");
  if (stored.times == rank) file.fail(stored.state, found + "; none of its axes is said to be time");
}

void inspect_state(const File& file, const TrajectoryLayout& layout, StoredAxes& stored,
                   TrajectoryInfo& info) {
  stored.state = layout.state;
  require_dataset(file, stored.state, "(trajectories, times, components)");
  const DatasetInfo state = file.info(stored.state);
  require_numbers(file, stored.state, state);
  stored.shape = state.shape;
  inspect_axes(file, layout, stored);
  if (std::ranges::count(state.shape, std::size_t(0)) > 0)
    file.fail(stored.state, "has the shape " + print_shape(state.shape) + "; no extent may be zero");
  info.state_type = state.type;
  info.count = info.components = 1;
  double components = 1.0;
  for (std::size_t d = 0; d < state.shape.size(); ++d)
    if (d == stored.trajectory)
      info.count = state.shape[d];
    else if (d == stored.times)
      info.times = state.shape[d];
    else {
      info.components *= state.shape[d];
      components *= double(state.shape[d]);
    }
  if (components != double(info.components))
    file.fail(stored.state,
              "has the shape " + print_shape(state.shape) + ": too many components to be counted");
}

/// Numbers that mark missing components: what is said, in files of spnode too, and by the conventions of
/// NetCDF.
void inspect_marks(const File& file, const TrajectoryLayout& layout, StoredAxes& stored) {
  const auto add = [&](double mark) {
    if (std::isnan(mark)) return;  // NaN is one without being said
    stored.marks.push_back(mark);
    if (std::abs(mark) <= double(std::numeric_limits<float>::max()))
      stored.marks.push_back(double(static_cast<float>(mark)));
  };
  for (const double mark : layout.missing_values) add(mark);
  for (const char* attribute : {"_FillValue", "missing_value"})
    if (const auto mark = file.number_attribute(stored.state, attribute)) add(*mark);
}

/// A step in place of times.
void take_step(const File& file, const std::string& name, double step, StoredAxes& stored) {
  if (!std::isfinite(step) || step == 0.0)
    file.fail(name, "is " + shortest(step) + "; a step of time that is not zero is needed");
  stored.step = step;
}

void inspect_time(const File& file, const TrajectoryLayout& layout, StoredAxes& stored,
                  TrajectoryInfo& info) {
  stored.time = layout.time;
  info.time_axis = TimeAxis::shared;
  if (layout.step != 0.0) {
    stored.step = layout.step;
    return;
  }
  if (!file.has_dataset(stored.time))
    if (const auto step = file.number_attribute("/", "dt"))
      return take_step(file, "attribute dt of /", *step, stored);
  require_dataset(file, stored.time, "(times) or (trajectories, times)");
  const DatasetInfo time = file.info(stored.time);
  require_numbers(file, stored.time, time);
  // MATLAB's single number is (1, 1).
  const bool single = std::ranges::all_of(time.shape, [](std::size_t extent) { return extent == 1; });
  if (time.shape.empty() || (single && info.times > 1))
    return take_step(file, stored.time, file.read_doubles(stored.time).at(0), stored);
  stored.time_rank = time.shape.size();
  const bool times_first = stored.times < stored.trajectory && stored.trajectory < stored.shape.size();
  const std::vector<std::size_t> shared = {info.times}, column = {info.times, 1},
                                 separate = times_first ? std::vector{info.times, info.count}
                                                        : std::vector{info.count, info.times};
  // PDEBench stores the end of the last interval, too.
  const bool longer = stored.time != time_name && time.shape == std::vector{info.times + 1};
  if (time.shape == separate) {
    info.time_axis = TimeAxis::per_trajectory;
    stored.times_first = times_first;
  } else if (time.shape != shared && time.shape != column && !longer) {
    file.fail(stored.time, "has the shape " + print_shape(time.shape) + "; " + stored.state + " needs " +
                               print_shape(shared) + " or " + print_shape(separate));
  }
}

/// Where there is one, the dataset of derivatives must be like that of the states.
void inspect_derivatives(const File& file, const StoredAxes& stored, TrajectoryInfo& info) {
  if (!file.has_dataset(derivatives_name)) return;
  const DatasetInfo found = file.info(derivatives_name);
  require_numbers(file, derivatives_name, found);
  if (found.shape != stored.shape)
    file.fail(derivatives_name, "has the shape " + print_shape(found.shape) + "; " + stored.state +
                                    " needs " + print_shape(stored.shape));
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

/// Names of / that are none of those that are read. MATLAB's own begin with #.
std::vector<std::string> inspect_others(const File& file, const StoredAxes& stored) {
  const std::string known[] = {stored.state,     stored.time, parameters_name, inputs_name,
                               derivatives_name, "/tangents", truth_name};
  std::vector<std::string> names;
  for (const std::string& member : file.members("/")) {
    const std::string name = std::string("/").append(member);
    const auto holds = [&](const std::string& path) {
      return path == name || path.starts_with(name + "/") || path == member || path.starts_with(member + "/");
    };
    if (!member.starts_with('#') && std::ranges::none_of(known, holds)) names.push_back(name);
  }
  return names;
}

TrajectoryInfo inspect(const std::string& path, const TrajectoryLayout& asked) {
  const File file = File::open(path);
  TrajectoryInfo info;
  StoredAxes stored;
  const auto format = file.string_attribute("/", "format");
  const bool own = format == trajectory_format;
  const TrajectoryLayout layout = own ? TrajectoryLayout() : asked;
  // Other programs may mean something else by that attribute.
  if (format && (own || asked == TrajectoryLayout()))
    check_format(file, trajectory_format, trajectory_format_version);
  inspect_state(file, layout, stored, info);
  inspect_marks(file, asked, stored);
  inspect_time(file, layout, stored, info);
  info.parameters = inspect_group(file, parameters_name, {info.count});
  info.inputs = inspect_group(file, inputs_name, {info.count, info.times});
  inspect_derivatives(file, stored, info);
  inspect_tangents(file, info);
  info.others = inspect_others(file, stored);
  std::vector<std::string> names = {stored.state};
  if (stored.step == 0.0) names.push_back(stored.time);
  if (info.derivatives == Derivatives::present) names.emplace_back(derivatives_name);
  for (const std::string& parameter : info.parameters) names.push_back(parameter_name(parameter));
  for (const std::string& input : info.inputs) names.push_back(input_name(input));
  if (info.tangents > 0) names.insert(names.end(), {directions_name, products_name});
  std::string unwritten;
  for (const std::string& name : names)
    if (unwritten.empty() && file.has_unwritten_parts(name)) unwritten = name;
  info.files = {{path, info.count, info.times, info.time_axis, stored, unwritten}};
  info.system = file.string_attribute("/", "system").value_or("");
  info.units = file.string_attribute("/", "units").value_or("");
  info.component_axes =
      own ? file.string_attribute("/", "component_axes").value_or("") : print_component_axes(stored);
  return info;
}

}  // namespace

std::string pack(const TrajectoryInfo& info) {
  std::string text;
  const auto add = [&](const std::string& field) { text.append(field).push_back('\0'); };
  for (const std::size_t number : {info.count, info.times, info.components, info.tangents})
    add(std::to_string(number));
  add(info.time_axis == TimeAxis::shared ? "shared" : "per_trajectory");
  add(info.state_type == ElementType::float32 ? "float32" : "float64");
  add(info.derivatives == Derivatives::present ? "derivatives" : "");
  add(info.system);
  add(info.units);
  add(info.component_axes);
  add(std::to_string(info.files.size()));
  for (const TrajectoryInfo::File& file : info.files) {
    add(file.path);
    add(std::to_string(file.count));
    add(std::to_string(file.times));
    add(file.time_axis == TimeAxis::shared ? "shared" : "per_trajectory");
    add(file.stored.state);
    add(file.stored.time);
    add(std::to_string(file.stored.shape.size()));
    for (const std::size_t extent : file.stored.shape) add(std::to_string(extent));
    for (const std::string& axis : file.stored.axes) add(axis);
    add(std::to_string(file.stored.trajectory));
    add(std::to_string(file.stored.times));
    add(shortest(file.stored.step));
    add(file.stored.times_first ? "times_first" : "");
    add(std::to_string(file.stored.time_rank));
    add(std::to_string(file.stored.marks.size()));
    for (const double mark : file.stored.marks) add(shortest(mark));
    add(file.unwritten);
  }
  for (const auto* names : {&info.parameters, &info.others}) {
    add(std::to_string(names->size()));
    for (const std::string& name : *names) add(name);
  }
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
  info.system = next();
  info.units = next();
  info.component_axes = next();
  info.files.resize(std::stoull(next()));
  for (TrajectoryInfo::File& file : info.files) {
    file.path = next();
    file.count = std::stoull(next());
    file.times = std::stoull(next());
    file.time_axis = next() == "shared" ? TimeAxis::shared : TimeAxis::per_trajectory;
    file.stored.state = next();
    file.stored.time = next();
    file.stored.shape.resize(std::stoull(next()));
    for (std::size_t& extent : file.stored.shape) extent = std::stoull(next());
    file.stored.axes.resize(file.stored.shape.size());
    for (std::string& axis : file.stored.axes) axis = next();
    file.stored.trajectory = std::stoull(next());
    file.stored.times = std::stoull(next());
    file.stored.step = std::stod(next());
    file.stored.times_first = !next().empty();
    file.stored.time_rank = std::stoull(next());
    file.stored.marks.resize(std::stoull(next()));
    for (double& mark : file.stored.marks) mark = std::stod(next());
    file.unwritten = next();
  }
  for (auto* names : {&info.parameters, &info.others}) {
    names->resize(std::stoull(next()));
    for (std::string& name : *names) name = next();
  }
  while (position < text.size()) info.inputs.push_back(next());
  return info;
}

void TrajectoryLayout::validate() const {
  require_option(!state.empty() && !time.empty(), {state.empty() ? "state" : "time"},
                 "is empty; name a dataset");
  const auto times = std::ranges::count(axes, "time"), trajectories = std::ranges::count(axes, "trajectory");
  require_option(axes.empty() || (times == 1 && trajectories <= 1), {"axes"},
                 "must name time once, and trajectory at most once; found " + print_names(axes));
  require_option(step == 0.0 || time == time_name, {"step", "time"},
                 "and time exclude each other; give one of the two");
}

TrajectoryInfo inspect_file(const std::string& path, const TrajectoryLayout& layout) {
  return unpack(in_child(path, {file_size(path)}, [&] { return pack(inspect(path, layout)); }));
}

}  // namespace spnode::io
