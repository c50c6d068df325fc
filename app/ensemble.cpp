#include "app/ensemble.hpp"

#include <algorithm>

#include "app/data_set.hpp"
#include "core/support/random.hpp"

namespace spnode::app {

namespace {

/// The trajectories of members [range) of `held`, which starts at trajectory `first` of the file.
core::Trajectories expand(const core::Trajectories& held, std::size_t first, parallel::Range range,
                          std::size_t ensemble) {
  core::Trajectories all;
  all.count = range.size();
  all.times = held.times;
  all.components = held.components;
  all.shared_time = held.shared_time;
  if (held.shared_time) all.time = held.time;
  all.input_times = held.input_times;
  all.shared_input_time = held.shared_input_time;
  if (held.shared_input_time) all.input_time = held.input_time;
  for (std::size_t g = range.begin; g < range.end; ++g) {
    const std::size_t n = g / ensemble - first;
    if (!held.state.empty()) {
      const double* const state = held.state_at(n, 0);
      all.state.insert(all.state.end(), state, state + held.times * held.components);
    }
    if (!held.shared_time)
      all.time.insert(all.time.end(), &held.time[n * held.times], &held.time[n * held.times] + held.times);
    for (const auto& [name, values] : held.parameters) all.parameters[name].push_back(values[n]);
    const auto add_row = [&](const std::vector<double>& from, std::vector<double>& to) {
      const auto row = from.begin() + static_cast<std::ptrdiff_t>(n * held.input_times);
      to.insert(to.end(), row, row + static_cast<std::ptrdiff_t>(held.input_times));
    };
    if (!held.shared_input_time) add_row(held.input_time, all.input_time);
    for (const auto& [name, values] : held.inputs) add_row(values, all.inputs[name]);
  }
  return all;
}

void perturb(core::Trajectories& initial, std::size_t first, const Deck& deck,
             const std::vector<double>& scale) {
  const core::Random random(deck.seed, "forecast.ensemble");
  for (std::size_t l = 0; l < initial.count; ++l) {
    if ((first + l) % deck.forecast.ensemble.members == 0) continue;
    double* const x = initial.state_at(l, 0);
    for (std::size_t i = 0; i < initial.components; ++i)
      x[i] += deck.forecast.ensemble.perturbation * scale[i] *
              random.normal((first + l) * initial.components + i);
  }
}

}  // namespace

Ensemble read_members(const parallel::Communicator& comm, const Deck& deck, const StoredModel& model,
                      const io::DataSource& path, const io::TrajectoryInfo& info) {
  const ForecastOptions& options = deck.forecast;
  const std::size_t ensemble = options.ensemble.members;
  Ensemble members;
  members.count = info.count * ensemble;
  members.range = parallel::share(members.count, comm.size(), comm.rank());
  members.parameters = info.parameters;
  const std::size_t first = members.range.begin / ensemble;
  const std::size_t count = members.range.size() == 0 ? 0 : (members.range.end - 1) / ensemble + 1 - first;
  members.initial =
      expand(io::read_trajectories(comm, path, first, count,
                                   {.time_begin = options.start, .time_end = options.start + 1}),
             first, members.range, ensemble);
  const auto require = [&] {
    parallel::collectively(comm,
                           [&] { require_values(path, members.initial, model.state.model->options(), 1); });
  };
  require();
  if (options.times.empty() && options.steps == 0)
    members.axis =
        expand(io::read_trajectories(comm, path, first, count,
                                     {.time_begin = options.start, .content = io::Content::no_states}),
               first, members.range, ensemble);
  if (ensemble == 1) return members;
  perturb(members.initial, members.range.begin, deck, model.state.model->scaling.scale);
  require();  // also of the perturbed states
  for (const char* name : {"member", "trajectory"}) members.initial.parameters[name].clear();
  for (std::size_t g = members.range.begin; g < members.range.end; ++g) {
    members.initial.parameters["trajectory"].push_back(static_cast<double>(g / ensemble));
    members.initial.parameters["member"].push_back(static_cast<double>(g % ensemble));
  }
  for (const std::string name : {"member", "trajectory"})
    if (std::find(members.parameters.begin(), members.parameters.end(), name) == members.parameters.end())
      members.parameters.push_back(name);
  std::sort(members.parameters.begin(), members.parameters.end());
  return members;
}

}  // namespace spnode::app
