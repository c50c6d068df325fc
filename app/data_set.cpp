#include "app/data_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "app/deck/check.hpp"
#include "core/components/positive_map.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/support/error.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"

namespace spnode::app {

io::DataSource source_of(const Deck& deck, const std::string& path) {
  io::DataSource source(path, deck.data.layout);
  source.layout.allow_missing = false;
  return source;
}

io::TrajectoryInfo inspect_data(const parallel::Communicator& comm, const io::DataSource& path) {
  const io::TrajectoryInfo info = io::inspect_trajectories(comm, path);
  constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
  const double bytes = sizeof(double) * double(info.count) * double(info.times) * double(info.components);
  for (const std::size_t extent : {info.count, info.times, info.components})
    if (extent > most)
      throw FileError(path + ": /state has an extent of " + std::to_string(extent) + " and would need " +
                      shown_bytes(bytes) + " of memory; a process here has " +
                      shown_bytes(core::process_memory()) + ", and at most " + std::to_string(most) +
                      " can be counted");
  return info;
}

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void require_names(const std::string& path, const char* group, const std::vector<std::string>& held,
                   const std::vector<std::string>& needed) {
  for (const std::string& name : needed)
    if (!contains(held, name))
      throw FileError(
          fmt::format("{}: {}/{} is missing; the model depends on it{}", path, group, name,
                      held.empty() ? "" : fmt::format(" (the file has {})", fmt::join(held, ", "))));
}

}  // namespace

void require_arguments(const std::string& path, const io::TrajectoryInfo& info,
                       const core::ArgumentOptions& arguments) {
  require_names(path, "/parameters", info.parameters, arguments.parameters);
  require_names(path, "/inputs", info.inputs, arguments.inputs);
}

namespace {

void require_epsilon(const std::string& path, const core::Trajectories& held,
                     const core::ModelOptions& model) {
  if (!core::is_fast_slow(model.linear.structure)) return;
  const std::string name(core::epsilon_name);
  const auto found = held.parameters.find(name);
  if (found == held.parameters.end()) return;  // require_arguments
  for (const double epsilon : found->second)
    if (epsilon < 0.0)
      throw FileError(
          fmt::format("{}: /parameters/{} has the value {}; the ratio of the time scales of a "
                      "fast-slow model is 0 or above",
                      path, name, shortest(epsilon)));
}

/// numbers(n, t): the state of a trajectory at a time.
template <class Numbers>
void require_positive(const std::string& path, const core::Trajectories& held,
                      const core::PositiveOptions& options, std::size_t times, Numbers&& numbers) {
  if (!options.enabled()) return;
  const core::PositiveCoordinates positive(held.components, options);
  for (std::size_t n = 0; n < held.count; ++n)
    for (std::size_t t = 0; t < times; ++t) {
      if (held.is_missing(n, t)) continue;
      numbers(n, t).visit([&](const auto* state) {
        for (std::size_t c = 0; c < held.components; ++c)
          if (const auto x = double(state[c]); positive.is_positive(c) && !(x > 0.0))
            throw FileError(fmt::format(
                "{}: /state has the value {} of component {}; model.positive.coordinates is {}, for which "
                "it must be above 0",
                path, shortest(x), c, name_of(options.coordinates)));
      });
    }
}

}  // namespace

void require_values(const std::string& path, const core::Trajectories& held, const core::ModelOptions& model,
                    std::size_t times) {
  require_epsilon(path, held, model);
  require_positive(path, held, model.positive, times,
                   [&](std::size_t n, std::size_t t) { return held.numbers_at(n, t); });
}

void require_derivatives(const std::string& path, const io::TrajectoryInfo& info,
                         const core::LossOptions& loss) {
  if (core::needs_derivatives(loss) && info.derivatives == io::Derivatives::absent)
    throw FileError(path + ": /derivatives is missing; loss.derivatives is given, which needs it");
}

void require_tangents(const std::string& path, const io::TrajectoryInfo& info,
                      const core::LossOptions& loss) {
  if (core::needs_tangents(loss) && info.tangents == 0)
    throw FileError(path +
                    ": /tangents is missing; the loss compares the model's Jacobian-vector products with it");
}

std::string unused_data(const io::TrajectoryInfo& info, const Deck& deck) {
  const core::ArgumentOptions& arguments = deck.model.arguments;
  std::string list;
  const auto add = [&](const std::string& what) { list += (list.empty() ? "" : ", ") + what; };
  for (const std::string& name : info.parameters)
    if (!contains(arguments.parameters, name)) add("parameter " + name);
  for (const std::string& name : info.inputs)
    if (!contains(arguments.inputs, name)) add("input " + name);
  if (info.derivatives == io::Derivatives::present && !core::needs_derivatives(deck.loss)) add("derivatives");
  if (info.tangents > 0 && !core::needs_tangents(deck.loss)) add("tangents");
  for (const std::string& name : info.others) add(name);
  return list;
}

std::string data_of(const Deck& deck, Role role) {
  const bool split = deck.data.validation_fraction > 0.0;
  return role == Role::training || split ? deck.data.train : deck.data.validation;
}

DataPart part_of_data(const parallel::Communicator& comm, const Deck& deck, Role role) {
  DataPart part{{data_of(deck, role), deck.data.layout}, {}, 0, training_content(deck.loss)};
  part.info = inspect_data(comm, part.path);
  // What the deck leaves out at the end may be missing.
  const std::vector<std::size_t>& chosen = deck.data.windows.times;
  if (!chosen.empty())
    part.reading.time_end = std::min(*std::ranges::max_element(chosen), part.info.times - 1) + 1;
  const double fraction = deck.data.validation_fraction;
  if (fraction == 0.0) return part;
  const bool in_time = part.info.count == 1;
  std::size_t& extent = in_time ? part.info.times : part.info.count;
  const auto last = static_cast<std::size_t>(std::lround(fraction * static_cast<double>(extent)));
  const std::size_t least = in_time ? 2 : 1;
  if (last < least || extent < last + least)
    throw FileError(fmt::format("{}: data.validation_fraction = {} would leave {} of {} {} for {}", part.path,
                                shortest(fraction), last < least ? last : extent - last, extent,
                                in_time ? "times" : "trajectories",
                                last < least ? "validation" : "training"));
  if (in_time && !deck.data.windows.times.empty())
    throw UsageError(
        "data.times chooses times of a trajectory whose times data.validation_fraction splits; "
        "write two files");
  const std::size_t begin = role == Role::training ? 0 : extent - last;
  extent = role == Role::training ? extent - last : last;
  if (in_time) {
    part.reading.time_begin = begin;
    part.reading.time_end = begin + extent;
  } else {
    part.first = begin;
  }
  return part;
}

core::WindowIndex window_index(const std::string& path, const io::TrajectoryInfo& info, const Deck& deck) {
  if (info.count == 0 || info.times < 2)
    throw FileError(path + ": /state has " + std::to_string(info.count) + " trajectories of " +
                    std::to_string(info.times) + " times; at least one of two times is needed");
  require_arguments(path, info, deck.model.arguments);
  require_derivatives(path, info, deck.loss);
  require_tangents(path, info, deck.loss);
  const core::WindowOptions& windows = deck.data.windows;
  const core::WindowIndex index = using_section(deck, "data", [&] {
    return core::WindowIndex(info.count, windows.times.empty() ? info.times : windows.times.size(), windows);
  });
  using_section(deck, "loss", [&] { core::require_intervals(deck.loss, index.intervals()); });
  return index;
}

io::ReadOptions training_content(const core::LossOptions& loss) {
  io::ReadOptions options;
  options.precision = io::StatePrecision::stored;
  if (core::needs_derivatives(loss)) options.content = io::Content::with_derivatives;
  if (core::needs_tangents(loss)) options.tangents = io::Tangents::read;
  return options;
}

core::Trajectories chosen_times(core::Trajectories trajectories, const Deck& deck) {
  return using_section(deck, "data",
                       [&] { return core::select_times(std::move(trajectories), deck.data.windows.times); });
}

namespace {

/// Of the bytes for streamed states: the share of each of the two pieces; the rest is that of the chunks.
constexpr double piece_share = 0.375;

}  // namespace

std::size_t number_size(const DataPart& part) {
  return io::holds_single(part.info, part.path.layout, part.reading) ? sizeof(float) : sizeof(double);
}

std::size_t piece_numbers(const DataPart& part, double bytes) {
  return static_cast<std::size_t>(piece_share * bytes / static_cast<double>(number_size(part)));
}

double bytes_for_pieces(const DataPart& part, double numbers) {
  return std::ceil(numbers * static_cast<double>(number_size(part)) / piece_share) + 1.0;
}

std::shared_ptr<core::StreamedStates> stream(const DataPart& part, std::size_t first, std::size_t count,
                                             std::size_t numbers) {
  return std::make_shared<core::StreamedStates>(
      io::stream_states(part.path, part.info, part.first + first, part.reading, numbers),
      count * part.info.times, part.info.components);
}

DataSet load_data_set(const parallel::Communicator& comm, const Deck& deck, Role role,
                      const training::SamplerOptions& options, double stream_bytes) {
  const DataPart part = part_of_data(comm, deck, role);
  const core::WindowIndex index = window_index(part.path, part.info, deck);
  const training::Sampler sampler(index.count(), options);
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto trajectories = index.trajectories(held.begin, held.end);
  const std::size_t count = trajectories.last - trajectories.first;
  const bool streams = stream_bytes > 0.0;
  io::ReadOptions reading = part.reading;
  if (streams) reading.content = io::Content::no_states;
  core::Trajectories own =
      io::read_trajectories(comm, part.path, part.first + trajectories.first, count, reading);
  std::shared_ptr<core::StreamedStates> streamed;
  parallel::collectively(comm, [&] {
    if (streams)
      require_epsilon(part.path, own, deck.model);
    else
      using_section(deck, "model", [&] { require_values(part.path, own, deck.model, own.times); });
    own = chosen_times(std::move(own), deck);
    if (streams && count > 0)
      streamed = stream(part, trajectories.first, count, piece_numbers(part, stream_bytes));
  });
  DataSet set{{sampler, core::WindowData(index, std::move(own), trajectories.first, std::move(streamed))},
              part.path,
              part.info};
  if (streams)
    parallel::collectively(comm, [&] {
      using_section(deck, "model", [&] {
        require_positive(set.path, set.data.held(), deck.model.positive, set.data.held().times,
                         [&](std::size_t n, std::size_t t) { return set.data.numbers(n, t); });
      });
    });
  if (deck.data.layout.allow_missing) training::weigh_known_states(comm, set.path, set);
  return set;
}

double time_unit_of(const Deck& deck, double natural) {
  if (deck.data.time_unit > 0.0) return deck.data.time_unit;
  return fixed_time_unit(deck).empty() && natural > 0.0 ? natural : 1.0;
}

}  // namespace spnode::app
