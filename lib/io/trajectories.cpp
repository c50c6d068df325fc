// Reading trajectory files; what is in them: trajectory_inspection.cpp, writing: trajectory_writer.cpp.
#include "io/trajectories.hpp"

#include "core/support/memory_limit.hpp"
#include "io/child_process.hpp"
#include "io/file_bytes.hpp"
#include "io/file_pattern.hpp"
#include "io/missing_states.hpp"
#include "io/text.hpp"
#include "io/trajectory_format.hpp"
#include "io/trajectory_inspection.hpp"
#include "parallel/broadcast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace spnode::io {

using hdf5::ElementType;
using hdf5::File;
using hdf5::Slab;
using parallel::collectively;
using parallel::Communicator;

namespace {

/// Raises FileError where the trajectories of two files do not go together.
void require_alike(const TrajectoryInfo& one, const TrajectoryInfo& other, const TrajectoryLayout& layout) {
  const auto refuse = [&](const std::string& what, const std::string& found, const std::string& needed) {
    throw FileError(other.files.front().path + ": " + what + " " + found + "; " + one.files.front().path +
                    ", to which it is added, has " + needed);
  };
  const auto compare = [&](const char* what, std::size_t found, std::size_t needed) {
    if (found != needed) refuse(std::string(what) + " are", std::to_string(found), std::to_string(needed));
  };
  const bool states_alone = one.inputs.empty() && one.derivatives == Derivatives::absent && one.tangents == 0;
  if (!layout.allow_missing || !states_alone) compare("the times of /state", other.times, one.times);
  compare("the components of /state", other.components, one.components);
  compare("the directions of /tangents", other.tangents, one.tangents);
  const auto shown = [](const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list.empty() ? "none" : list;
  };
  if (other.parameters != one.parameters)
    refuse("/parameters has", shown(other.parameters), shown(one.parameters));
  if (other.inputs != one.inputs) refuse("/inputs has", shown(other.inputs), shown(one.inputs));
  const auto word = [](Derivatives derivatives) {
    return std::string(derivatives == Derivatives::present ? "present" : "none");
  };
  if (other.derivatives != one.derivatives)
    refuse("/derivatives is", word(other.derivatives), word(one.derivatives));
}

/// Every time axis held must go strictly one way. `first_index`: file indices of the first number held.
void check_monotone(const std::string& path, const std::string& name, const core::Trajectories& data,
                    std::size_t first, std::size_t time_begin) {
  const std::size_t axes = data.shared_time ? 1 : data.count;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    for (std::size_t t = 1; t < data.times; ++t) {
      const double direction = data.time_at(axis, 1) - data.time_at(axis, 0);
      const double step = data.time_at(axis, t) - data.time_at(axis, t - 1);
      if (direction * step > 0.0 && std::isfinite(step)) continue;
      const std::string row = data.shared_time ? "" : std::to_string(first + axis) + ", ";
      const auto entry = [&](std::size_t i) {
        return std::string("[")
            .append(row)
            .append(std::to_string(time_begin + i))
            .append("] = ")
            .append(shortest(data.time_at(axis, i)));
      };
      throw FileError(path + ": " + name + entry(t) + " follows " + entry(t - 1) +
                      "; times must be strictly increasing or strictly decreasing");
    }
  }
}

/// Numbers that a child process reads at a time: in its copy of the memory they stand a second time.
constexpr std::size_t part_size = std::size_t(1) << 23;

/// Which numbers are taken: finite ones; these, where NaN could be declared missing; these, and NaN.
enum class Accept { finite, complete, missing };

Accept accepted_by(const TrajectoryLayout& layout) {
  return layout.allow_missing ? Accept::missing : Accept::complete;
}

/// Reads one slab of numbers. Number: double, or float for a dataset of float32. `axes`: of states, whose
/// marks of missing components become NaN, if that is taken. Not collective.
template <class Number = double>
std::vector<Number> read(const std::string& path, const std::string& name, const Slab& slab,
                         Accept accept = Accept::finite, const StoredAxes& axes = {}) {
  std::vector<Number> values(slab.size());
  std::vector<double> wide;  // a part, where it is narrowed
  std::size_t place = 0;
  hdf5::for_each_part(slab, part_size, [&](const Slab& part) {
    std::span<double> numbers;
    if constexpr (std::is_same_v<Number, double>) {
      numbers = std::span(values).subspan(place, part.size());
    } else {
      wide.resize(part.size());
      numbers = wide;
    }
    in_child(path, {numbers.size_bytes()}, numbers, [&] { File::open(path).read_slab(name, part, numbers); });
    if (accept == Accept::missing && !axes.marks.empty())
      std::ranges::replace_if(
          numbers, [&](double x) { return axes.is_mark(x); }, std::numeric_limits<double>::quiet_NaN());
    const auto bad = std::ranges::find_if(numbers, [&](double x) {
      if (std::isfinite(x)) return accept == Accept::complete && axes.is_mark(x);
      return accept != Accept::missing || !std::isnan(x);
    });
    if (bad != numbers.end()) {
      const std::string index = print_index(slab, place + std::size_t(bad - numbers.begin()));
      if (accept == Accept::complete) refuse_state(path, name + index, *bad);
      throw FileError(path + ": " + name + index + " is " + shortest(*bad) + "; every value must be finite");
    }
    if constexpr (!std::is_same_v<Number, double>)
      std::ranges::transform(numbers, values.begin() + std::ptrdiff_t(place),
                             [](double x) { return static_cast<Number>(x); });
    place += part.size();
  });
  return values;
}

/// Numbers of row-major axes `extents` with these axes in another order.
template <class Number>
std::vector<Number> permuted(const std::vector<Number>& from, const std::vector<std::size_t>& extents,
                             const std::vector<std::size_t>& order) {
  const std::size_t rank = extents.size();
  std::vector<std::size_t> strides(rank, 1), index(rank, 0);
  for (std::size_t d = rank - 1; d-- > 0;) strides[d] = strides[d + 1] * extents[d + 1];
  std::vector<Number> to(from.size());
  std::size_t place = 0;
  for (Number& value : to) {
    value = from[place];
    for (std::size_t k = rank; k-- > 0;) {
      const std::size_t d = order[k];
      place += strides[d];
      if (++index[d] < extents[d]) break;
      place -= strides[d] * extents[d];
      index[d] = 0;
    }
  }
  return to;
}

/// A range of trajectories or times, [begin, begin + count).
struct Part {
  std::size_t begin, count;
};

/// The transpose of (rows, columns).
std::vector<double> swapped(const std::vector<double>& from, std::size_t rows, std::size_t columns) {
  std::vector<double> to(from.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
  return to;
}

/// Times of a file: (times), or (trajectories, times) where each has its own. Not collective.
std::vector<double> read_times(const TrajectoryInfo::File& file, Part trajectories, Part times,
                               Accept accept = Accept::finite) {
  const StoredAxes& stored = file.stored;
  if (stored.step != 0.0) {
    std::vector<double> values(times.count);
    for (std::size_t t = 0; t < times.count; ++t) values[t] = double(times.begin + t) * stored.step;
    return values;
  }
  if (file.time_axis == TimeAxis::shared) {
    const bool column = stored.time_rank == 2;
    return read(file.path, stored.time,
                column ? Slab{{times.begin, 0}, {times.count, 1}} : Slab{{times.begin}, {times.count}});
  }
  const auto [n, count] = trajectories;
  if (!stored.times_first)
    return read(file.path, stored.time, {{n, times.begin}, {count, times.count}}, accept);
  return swapped(read(file.path, stored.time, {{times.begin, n}, {times.count, count}}, accept), times.count,
                 count);
}

/// A dataset of the states' shape as (trajectories, times, components). Not collective.
template <class Number = double>
std::vector<Number> read_states(const TrajectoryInfo::File& file, const std::string& name, Part trajectories,
                                Part times, Accept accept = Accept::finite) {
  const StoredAxes& stored = file.stored;
  const std::size_t rank = stored.shape.size();
  Slab slab{std::vector<std::size_t>(rank, 0), stored.shape};
  std::vector<std::size_t> order;  // of the axes in memory
  if (stored.trajectory < rank) {
    slab.first[stored.trajectory] = trajectories.begin;
    slab.count[stored.trajectory] = trajectories.count;
    order.push_back(stored.trajectory);
  } else if (trajectories.count == 0) {
    return {};
  }
  slab.first[stored.times] = times.begin;
  slab.count[stored.times] = times.count;
  order.push_back(stored.times);
  for (std::size_t d = 0; d < rank; ++d)
    if (d != stored.trajectory && d != stored.times) order.push_back(d);
  std::vector<Number> values =
      read<Number>(file.path, name, slab, accept, accept == Accept::finite ? StoredAxes() : stored);
  if (std::ranges::is_sorted(order)) return values;
  return permuted(values, slab.count, order);
}

/// What the files hold together: one time axis where all have the same.
TrajectoryInfo inspect_all(const std::vector<std::string>& paths, const TrajectoryLayout& layout) {
  TrajectoryInfo all;
  std::vector<double> times;
  for (const std::string& path : paths) {
    const TrajectoryInfo one = inspect_file(path, layout);
    if (paths.size() == 1) return one;
    const bool first = all.files.empty();
    if (first)
      all = one;
    else
      require_alike(all, one, layout);
    if (all.time_axis == TimeAxis::shared && one.time_axis == TimeAxis::shared) {
      std::vector<double> own = read_times(one.files.front(), {0, one.count}, {0, one.times});
      if (first)
        times = std::move(own);
      else if (own != times)
        all.time_axis = TimeAxis::per_trajectory;
    } else {
      all.time_axis = TimeAxis::per_trajectory;
    }
    if (first) continue;
    all.times = std::max(all.times, one.times);
    all.files.push_back(one.files.front());
    all.count += one.count;
    if (one.state_type != all.state_type) all.state_type = ElementType::float64;
  }
  return all;
}

/// A shared time axis becomes one for each trajectory.
void give_own_times(core::Trajectories& data) {
  const auto repeat = [&](std::vector<double>& axis) {
    const std::vector<double> one = axis;
    axis.clear();
    for (std::size_t n = 0; n < data.count; ++n) axis.insert(axis.end(), one.begin(), one.end());
  };
  repeat(data.time);
  data.shared_time = false;
  if (data.inputs.empty()) return;
  repeat(data.input_time);
  data.shared_input_time = false;
}

/// Adds the trajectories of a part behind those of `all`.
void append(core::Trajectories&& part, core::Trajectories& all) {
  const auto join = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  join(all.state, part.state);
  all.missing.insert(all.missing.end(), part.missing.begin(), part.missing.end());
  join(all.single, part.single);
  if (!all.shared_time) join(all.time, part.time);
  for (auto& [name, values] : all.parameters) join(values, part.parameters.at(name));
  if (!all.shared_input_time) join(all.input_time, part.input_time);
  for (auto& [name, values] : all.inputs) join(values, part.inputs.at(name));
  join(all.derivative, part.derivative);
  join(all.directions, part.directions);
  join(all.products, part.products);
  all.count += part.count;
}

/// Raises FileError where what is asked for does not fit into memory.
void require_memory(const DataSource& path, const TrajectoryInfo& info, std::size_t count,
                    const ReadOptions& options) {
  std::size_t vectors = 0;  // at each time
  if (options.content != Content::no_states) vectors += 1;
  if (options.content == Content::with_derivatives && info.derivatives == Derivatives::present) vectors += 1;
  if (options.tangents == Tangents::read) vectors += 2 * info.tangents;
  const std::size_t times = std::min(options.time_end, info.times) - options.time_begin;
  const double numbers = double(count) * double(times) * double(info.components),
               bytes = sizeof(double) * numbers * double(vectors) -
                       (holds_single(info, path.layout, options) ? sizeof(float) * numbers : 0.0);
  if (bytes <= core::process_memory()) return;
  const std::string each = vectors == 1 ? "" : std::to_string(vectors) + " vectors at each time, each of ";
  throw FileError(path + ": " + std::to_string(count) + " trajectories of " + std::to_string(times) +
                  " times and " + each + std::to_string(info.components) + " components need " +
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

/// Gives trajectories that end before others missing states, and times that go on, (times) in all.
void extend(std::size_t times, core::Trajectories& data) {
  if (data.times == times) return;
  const std::size_t held = data.times;
  const auto widen = [&](std::vector<double>& values, std::size_t rows, std::size_t width, auto&& next) {
    const std::vector<double> all = std::exchange(values, {});
    for (std::size_t row = 0; row < rows; ++row) {
      const auto begin = all.begin() + std::ptrdiff_t(row * held * width);
      values.insert(values.end(), begin, begin + std::ptrdiff_t(held * width));
      while (values.size() < (row + 1) * times * width) values.push_back(next(values));
    }
  };
  widen(data.state, data.count, data.components,
        [](const auto&) { return std::numeric_limits<double>::quiet_NaN(); });
  widen(data.time, data.shared_time ? 1 : data.count, 1, [held](const auto& axis) {
    return axis.back() + (held > 1 ? axis.back() - *(axis.end() - 2) : 1.0);
  });
  data.times = times;
}

/// The trajectories [first, first + count) of one of the files. Not collective.
core::Trajectories read_file(const TrajectoryInfo& info, const TrajectoryInfo::File& file, std::size_t first,
                             std::size_t count, const TrajectoryLayout& layout, const ReadOptions& options) {
  const std::string& path = file.path;
  const std::size_t begin = options.time_begin, end = std::min(options.time_end, info.times);
  if (begin >= file.times)
    throw FileError(path + ": times from index " + std::to_string(begin) +
                    " on are asked for; the file holds " + std::to_string(file.times));
  core::Trajectories data;
  data.count = count;
  data.times = std::min(end, file.times) - begin;
  data.components = info.components;
  data.shared_time = file.time_axis == TimeAxis::shared;
  const Part trajectories{first, count}, times{begin, data.times};
  const Accept accept = accepted_by(layout);
  if (options.content != Content::no_states && holds_single(info, layout, options))
    data.single = read_states<float>(file, file.stored.state, trajectories, times, accept);
  else if (options.content != Content::no_states)
    data.state = read_states(file, file.stored.state, trajectories, times, accept);
  if (options.content == Content::with_derivatives && info.derivatives == Derivatives::present)
    data.derivative = read_states(file, derivatives_name, trajectories, times);
  refuse_undeclared_marks(file, first, begin, data);
  data.time = read_times(file, trajectories, times, accepted_by(layout));
  for (const std::string& name : info.parameters)
    data.parameters[name] = read(path, parameter_name(name), {{first}, {count}});
  if (!info.inputs.empty()) {
    data.input_times = info.times;
    data.shared_input_time = data.shared_time;
    data.input_time = read_times(file, trajectories, {0, info.times});
  }
  for (const std::string& name : info.inputs)
    data.inputs[name] = read(path, input_name(name), {{first, 0}, {count, info.times}});
  if (options.tangents == Tangents::read && info.tangents > 0) {
    data.tangents = info.tangents;
    const Slab slab = {{first, begin, 0, 0}, {count, data.times, info.tangents, info.components}};
    data.directions = read(path, directions_name, slab);
    data.products = read(path, products_name, slab);
  }
  extend(end - begin, data);
  if (layout.allow_missing && !data.state.empty()) mark_missing(path, file.stored.time, first, data);
  check_monotone(path, file.stored.time, data, first, begin);
  if (data.shared_time && info.time_axis == TimeAxis::per_trajectory) give_own_times(data);
  return data;
}

}  // namespace

// Places of missing states are filled in double.
bool holds_single(const TrajectoryInfo& info, const TrajectoryLayout& layout, const ReadOptions& options) {
  return !layout.allow_missing && options.precision == StatePrecision::stored &&
         info.state_type == ElementType::float32;
}

std::optional<std::size_t> first_non_finite(std::span<const double> values) {
  const auto bad = std::find_if_not(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  if (bad == values.end()) return std::nullopt;
  return static_cast<std::size_t>(bad - values.begin());
}

void refuse_state(const std::string& path, const std::string& place, double value) {
  const std::string found = path + ": " + place + " is " + shortest(value);
  if (std::isfinite(value))
    throw FileError(found +
                    ", which marks a missing value; every value must be known (allow_missing lets "
                    "values of training data be missing)");
  throw FileError(found + "; every value must be finite" +
                  (std::isnan(value) ? " (allow_missing declares NaN in training data to be missing)" : ""));
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

TrajectoryInfo inspect_trajectories(const Communicator& comm, const DataSource& source) {
  std::string packed;
  collectively(comm, [&] {
    if (comm.is_root()) packed = pack(inspect_all(matching_files(source), source.layout));
  });
  parallel::broadcast(comm, packed);
  return unpack(packed);
}

core::Trajectories read_trajectories(const Communicator& comm, const DataSource& source, std::size_t first,
                                     std::size_t count, const ReadOptions& options) {
  const std::string& path = source;
  const TrajectoryInfo info = inspect_trajectories(comm, source);
  core::Trajectories data;
  collectively(comm, [&] {
    check_range(info, first, count, options, path);
    require_memory(source, info, count, options);
    std::size_t begin = 0;  // of a file
    bool any = false;
    for (const TrajectoryInfo::File& file : info.files) {
      const std::size_t from = std::max(first, begin), to = std::min(first + count, begin + file.count);
      if (from < to) {
        core::Trajectories part = read_file(info, file, from - begin, to - from, source.layout, options);
        if (any)
          append(std::move(part), data);
        else
          data = std::move(part);
        any = true;
      }
      begin += file.count;
    }
    if (!any) data = read_file(info, info.files.front(), 0, 0, source.layout, options);
  });
  collectively(comm, [&] {
    for (const TrajectoryInfo::File& file : info.files)
      if (!file.unwritten.empty())
        throw FileError(file.path + ": parts of " + file.unwritten +
                        " were never written, or the files that hold them are missing");
  });
  return data;
}

}  // namespace spnode::io
