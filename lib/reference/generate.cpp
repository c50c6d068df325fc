#include "reference/generate.hpp"

#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "core/support/option_number.hpp"
#include "core/support/text.hpp"
#include "core/systems/kuramoto_sivashinsky.hpp"
#include "core/systems/switching.hpp"
#include "core/systems/systems.hpp"
#include "reference/kuramoto_sivashinsky.hpp"
#include "reference/reference_solution.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>

namespace spnode::reference {

namespace {

using core::GenerateOptions;
using core::SystemKind;
using core::TimeGrid;

/// Fills states, (times, components), whose first row is the initial state.
using Sampler = std::function<void(std::span<double> states)>;

/// u(t_i) = exp((t_i - t_0) A) u(t_0), the exponentials computed once.
Sampler make_linear_sampler(const core::ReferenceSystem& system, std::span<const double> times) {
  const std::size_t n = system.dimension();
  std::vector<double> matrix(n * n), exponentials;
  system.jacobian(std::vector<double>(n, 0.0), matrix);
  core::PhiFunctions functions(n, 0, core::HalfArgument::omit);
  for (std::size_t i = 1; i < times.size(); ++i) {
    functions.compute(matrix, times[i] - times[0]);
    const auto value = functions.value(0, core::Argument::full);
    exponentials.insert(exponentials.end(), value.begin(), value.end());
  }
  return [n, exponentials = std::move(exponentials)](std::span<double> states) {
    for (std::size_t i = n; i < states.size(); ++i) {
      const double* const row = &exponentials[(i - n) * n];
      states[i] = 0.0;
      for (std::size_t j = 0; j < n; ++j) states[i] += row[j] * states[j];
    }
  };
}

/// The step is the largest that is at most options.step and divides the sampling interval.
Sampler make_fourier_sampler(const GenerateOptions& options, const core::ReferenceSystem& system,
                             std::span<const double> times) {
  const double interval = (options.t_end - options.t_start) / static_cast<double>(options.times - 1);
  const std::size_t steps = static_cast<std::size_t>(std::ceil(interval / options.step * (1.0 - 1e-12)));
  const double step = interval / static_cast<double>(steps);
  const std::size_t burn_in = static_cast<std::size_t>(std::ceil(options.burn_in / step * (1.0 - 1e-12)));
  const auto solver = std::make_shared<KuramotoSivashinskySolver>(
      dynamic_cast<const core::KuramotoSivashinsky&>(system), step);
  return [=, n = system.dimension(), t = std::vector(times.begin(), times.end())](std::span<double> states) {
    solver->set_state(states.first(n));
    solver->advance(burn_in);
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (i > 0) solver->advance(steps);
      const auto u = states.subspan(i * n, n);
      solver->get_state(u);
      if (std::all_of(u.begin(), u.end(), [](double value) { return std::isfinite(value); })) continue;
      throw NumericalError("the field is not finite at t = " + shortest(t[i]) +
                           "; take a smaller step than " + shortest(step) + " or more grid points than " +
                           std::to_string(n));
    }
  };
}

void require_finite(std::span<const double> u, double t) {
  if (!std::all_of(u.begin(), u.end(), [](double value) { return std::isfinite(value); }))
    throw NumericalError("the state is not finite at t = " + shortest(t));
}

/// Each row is the one before it, so many applications of the map later as time has passed.
Sampler make_map_sampler(const core::ReferenceSystem& system, std::span<const double> times) {
  return [&system, n = system.dimension(),
          t = std::vector(times.begin(), times.end())](std::span<double> states) {
    std::vector<double> u(states.begin(), states.begin() + static_cast<std::ptrdiff_t>(n)), image(n);
    for (std::size_t i = 1; i < t.size(); ++i) {
      for (double k = std::round(t[i] - t[i - 1]); k > 0.0; --k) {
        system.rhs(u, image);
        std::swap(u, image);
      }
      require_finite(u, t[i]);
      std::ranges::copy(u, states.subspan(i * n, n).begin());
    }
  };
}

Sampler make_switching_sampler(const core::ReferenceSystem& system, std::span<const double> times) {
  return [&system, n = system.dimension(),
          t = std::vector(times.begin(), times.end())](std::span<double> states) {
    core::SwitchingOrbit orbit(dynamic_cast<const core::SwitchingSystem&>(system), states.first(n));
    for (std::size_t i = 1; i < t.size(); ++i) {
      orbit.advance(t[i] - t[i - 1]);
      require_finite(orbit.state(), t[i]);
      std::ranges::copy(orbit.state(), states.subspan(i * n, n).begin());
    }
  };
}

Sampler make_sampler(const GenerateOptions& options, const core::ReferenceSystem& system,
                     const std::vector<double>& times) {
  switch (system.solution()) {
    case core::Solution::linear_exact:
      return make_linear_sampler(system, times);
    case core::Solution::fourier_etdrk4:
      return make_fourier_sampler(options, system, times);
    case core::Solution::map:
      return make_map_sampler(system, times);
    case core::Solution::piecewise_linear:
      return make_switching_sampler(system, times);
    case core::Solution::explicit_adaptive:
    case core::Solution::implicit_adaptive:
      break;
  }
  const auto solver = std::make_shared<ReferenceSolver>(system, options.tolerance);
  return [solver, times](std::span<double> states) { solver->solve(times, states); };
}

/// What is done to an initial state before the first time, in the time of the system.
void prepare_state(const GenerateOptions& options, const core::ReferenceSystem& system, double relaxation,
                   std::span<double> state) {
  if (options.on_manifold) system.to_slow_manifold(state);
  if (relaxation == 0.0) return;
  std::vector<double> states(2 * state.size());
  std::ranges::copy(state, states.begin());
  make_sampler(options, system, {0.0, relaxation})(states);
  std::ranges::copy(std::span<const double>(states).last(state.size()), state.begin());
}

/// The unit of the times of a trajectory.
double time_unit(const GenerateOptions& options) {
  return has_own_times(options) ? 1.0 / options.epsilon : 1.0;
}

/// Adds normal numbers to the states (times, n) of a trajectory, `noise` times the deviation of each
/// component.
void add_noise(std::span<double> states, std::size_t n, double noise, const core::Random& random) {
  const std::size_t times = states.size() / n;
  for (std::size_t i = 0; i < n; ++i) {
    double mean = 0.0, squares = 0.0;
    for (std::size_t t = 0; t < times; ++t) mean += states[t * n + i] / static_cast<double>(times);
    for (std::size_t t = 0; t < times; ++t) {
      const double off = states[t * n + i] - mean;
      squares += off * off / static_cast<double>(times);
    }
    const double size = noise * std::sqrt(squares);
    for (std::size_t t = 0; t < times; ++t) states[t * n + i] += size * random.normal(t * n + i);
  }
}

/// The right-hand side at the states of held trajectory i.
void add_derivatives(const core::ReferenceSystem& system, std::size_t i, core::Trajectories& data) {
  const std::size_t n = data.components;
  for (std::size_t t = 0; t < data.times; ++t)
    system.rhs({data.state_at(i, t), n}, {&data.derivative[(i * data.times + t) * n], n});
}

/// The value of a trajectory of the option that varies.
double varied(const GenerateOptions& options, const core::Random& random) {
  if (options.vary_spread == core::Spread::uniform)
    return random.uniform(0, options.vary_from, options.vary_to);
  const double value = std::exp(random.uniform(0, std::log(options.vary_from), std::log(options.vary_to)));
  return std::clamp(value, options.vary_from, options.vary_to);
}

/// Directions at the states of held trajectory i and their products: the unit vectors where there are as many
/// as components, else random vectors of length 1, functions of the number of the trajectory, first + i, the
/// time and the direction.
void add_tangents(const core::ReferenceSystem& system, const core::Random& random, std::size_t first,
                  std::size_t i, core::Trajectories& data) {
  const std::size_t n = data.components, count = data.tangents;
  const auto draw = [&](std::uint64_t number, std::span<double> v) {
    double square = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      v[k] = random.normal(number * n + k);
      square += v[k] * v[k];
    }
    for (double& entry : v) entry /= std::sqrt(square);
  };
  for (std::size_t t = 0; t < (count == 0 ? 0 : data.times); ++t) {
    const std::size_t at = data.tangents_at(i, t);
    const std::span<double> directions(&data.directions[at], count * n);
    for (std::size_t v = 0; v < count; ++v)
      if (count == n)
        directions[v * n + v] = 1.0;
      else
        draw(((first + i) * data.times + t) * count + v, directions.subspan(v * n, n));
    system.jacobian_products({data.state_at(i, t), n}, directions, {&data.products[at], count * n});
  }
}

constexpr double most_steps = 0x1p31;

void require(bool condition, const char* option, const std::string& found, const std::string& allowed) {
  require_option(condition, {option}, "is " + found + "; allowed: " + allowed);
}

/// Raises OptionError where `vary` names no number of a system, or one that may not have the values asked
/// for.
void validate_variation(const GenerateOptions& options) {
  if (options.vary.empty()) return;
  require(options.vary_from <= options.vary_to, "vary_to", shortest(options.vary_to),
          "at least vary_from, " + shortest(options.vary_from));
  constexpr std::string_view of_the_run[] = {"t_start",   "t_end",     "burn_in", "step",       "noise",
                                             "tolerance", "vary_from", "vary_to", "relaxation", "charge"};
  for (const double end : {options.vary_from, options.vary_to}) {
    GenerateOptions changed = options;
    double* const number = find_number(changed, options.vary);
    require(number != nullptr && std::ranges::find(of_the_run, options.vary) == std::end(of_the_run), "vary",
            "'" + options.vary + "'", "a real number among the keys of generate that describes the system");
    *number = end;
    validate_all(changed);
    core::make_system(changed);  // raises the error of one that does not exist
  }
}

/// Raises OptionError where options of fast-slow systems do not fit.
void validate_scales(const GenerateOptions& options) {
  const auto is_fast_slow = [&] { return core::make_system(options)->slow_components() > 0; };
  const bool asks =
      options.on_manifold || options.relaxation > 0.0 || options.time_scale != core::TimeScale::fast;
  if (!asks) return;
  const char* const key = options.on_manifold        ? "on_manifold"
                          : options.relaxation > 0.0 ? "relaxation"
                                                     : "time_scale";
  require_option(is_fast_slow(), {key, "system"},
                 "needs a fast-slow system; found " + std::string(name_of(*options.system)));
  if (options.time_scale != core::TimeScale::slow) return;
  const double least = options.vary == "epsilon" ? options.vary_from : options.epsilon;
  require_option(least > 0.0, {"time_scale", options.vary == "epsilon" ? "vary_from" : "epsilon"},
                 "is slow, which needs epsilon above 0; found " + shortest(least));
}

}  // namespace

core::Trajectories simulate(const GenerateOptions& all, std::uint64_t seed, std::string_view split,
                            std::size_t first, std::size_t count) {
  validate(all);
  const GenerateOptions options = options_of(all, split);
  auto system = core::make_system(options);
  core::Trajectories result;
  result.count = count;
  result.times = options.times;
  result.components = system->dimension();
  const std::vector<double> times = reference_times(options);
  result.shared_time = !has_own_times(options);
  result.time = times;
  if (!result.shared_time) result.time.resize(count * result.times);
  result.state.resize(count * result.times * result.components);
  if (options.derivatives) result.derivative.resize(result.state.size());
  result.tangents = options.tangents;
  result.directions.assign(options.tangents * result.state.size(), 0.0);
  result.products.resize(options.tangents * result.state.size());
  for (const std::string& name : parameter_names(options)) result.parameters[name];
  GenerateOptions own = options;
  Sampler sample;
  const auto stream_of = [](const std::string& name) { return core::hash_name("generate." + name); };
  const std::uint64_t stream = stream_of(std::string(split)),
                      noise_stream = stream_of("noise." + std::string(split));
  const core::Random tangents(seed, stream ^ core::hash_name("tangents"));
  const bool noisy = options.noise > 0.0 && split != "test";
  const std::size_t size = result.times * result.components;
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<double> states(result.state_at(i, 0), size);
    try {
      if (!options.vary.empty()) {
        const core::Random variation(seed, core::hash_name("variation in " + std::string(split)) + first + i);
        double& value = *find_number(own, options.vary);
        value = varied(options, variation);
        result.parameters[parameter_names(options).front()].push_back(value);
        system = core::make_system(own);
      }
      if (i == 0 || !options.vary.empty()) {
        const double unit = time_unit(own);
        std::vector<double> own_times = times;
        for (double& t : own_times) t *= unit;
        if (!result.shared_time)
          std::ranges::copy(own_times, result.time.begin() + std::ptrdiff_t(i * result.times));
        sample = make_sampler(own, *system, own_times);
      } else if (!result.shared_time) {
        std::copy_n(result.time.begin(), result.times,
                    result.time.begin() + std::ptrdiff_t(i * result.times));
      }
      const auto initial = states.first(result.components);
      system->initial_state(core::Random(seed, stream + first + i), initial);
      prepare_state(own, *system, options.relaxation * time_unit(own), initial);
      sample(states);
      if (noisy)
        add_noise(states, result.components, options.noise, core::Random(seed, noise_stream + first + i));
      if (options.derivatives) add_derivatives(*system, i, result);
      add_tangents(*system, tangents, first, i, result);
    } catch (const NumericalError& error) {
      throw NumericalError(std::string(name_of(*options.system)) + ", trajectory " +
                           std::to_string(first + i) + " of '" + std::string(split) + "': " + error.what());
    }
  }
  return result;
}

GenerateOptions options_of(const GenerateOptions& options, std::string_view split) {
  GenerateOptions own = options;
  own.test_times = 0;
  if (split != "test" || options.test_times == 0) return own;
  own.times = options.test_times;
  const double intervals = double(options.test_times - 1) / double(options.times - 1);
  own.t_end = options.t_start + intervals * (options.t_end - options.t_start);
  return own;
}

bool has_own_times(const GenerateOptions& options) { return options.time_scale == core::TimeScale::slow; }

double simulation_bytes(const GenerateOptions& options, std::size_t count) {
  const auto system = core::make_system(options);
  const double n = static_cast<double>(system->dimension());
  const double exponentials = system->solution() == core::Solution::linear_exact ? n * n : 0.0;
  const double times = static_cast<double>(std::max(options.times, options.test_times)),
               vectors =
                   1.0 + (options.derivatives ? 1.0 : 0.0) + 2.0 * static_cast<double>(options.tangents);
  const double own_times = has_own_times(options) ? static_cast<double>(count) : 0.0;
  return times * (static_cast<double>(count) * n * vectors + exponentials + own_times + 2.0) * sizeof(double);
}

std::vector<double> reference_times(const GenerateOptions& options) {
  const bool logarithmic = options.grid == TimeGrid::logarithmic;
  const double first = logarithmic ? std::log(options.t_start) : options.t_start;
  const double last = logarithmic ? std::log(options.t_end) : options.t_end;
  std::vector<double> times;
  if (logarithmic) times.push_back(0.0);
  const std::size_t spaced = options.times - times.size();
  for (std::size_t i = 0; i < spaced; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(spaced - 1);
    const double value = first + share * (last - first);
    times.push_back(logarithmic ? std::exp(value) : value);
  }
  times[options.times - spaced] = options.t_start;  // the ends exactly
  times.back() = options.t_end;
  return times;
}

std::size_t number_of_components(const GenerateOptions& options) {
  return core::make_system(options)->dimension();
}

std::vector<std::string> component_names(const GenerateOptions& options) {
  return core::make_system(options)->component_names();
}

std::vector<std::string> parameter_names(const GenerateOptions& options) {
  if (options.vary.empty()) return {};
  return {options.vary.substr(options.vary.rfind('.') + 1)};
}

std::string system_units(const GenerateOptions& options) { return core::make_system(options)->units(); }

void validate(const GenerateOptions& options) {
  validate_all(options);
  const bool logarithmic = options.grid == TimeGrid::logarithmic;
  require(!logarithmic || options.times >= 3, "times", std::to_string(options.times),
          "at least 3 on a logarithmic grid, which begins with t = 0");
  const double interval = (options.t_end - options.t_start) / static_cast<double>(options.times - 1);
  require(options.t_start + interval > options.t_start && options.t_end - interval < options.t_end, "t_end",
          shortest(options.t_end), "so far from t_start that the times between differ");
  const std::size_t components = number_of_components(options);
  require(options.tangents <= components, "tangents", std::to_string(options.tangents),
          "at most the number of components");
  require(options.perturbation < 1.0, "perturbation", shortest(options.perturbation), "at least 0, below 1");
  validate_variation(options);
  validate_scales(options);
  if (core::make_system(options)->solution() == core::Solution::map) {
    require(!options.derivatives, "derivatives", "true", "false for a map, which has none in time");
    require(!logarithmic && interval == std::round(interval), "t_end", shortest(options.t_end),
            "whole numbers between two times of " + std::string(name_of(*options.system)) +
                ", which count applications of a map, on a uniform grid; found " + shortest(interval));
  }
  if (options.system != SystemKind::kuramoto_sivashinsky) return;
  require(!logarithmic, "grid", std::string(name_of(options.grid)), "uniform for kuramoto_sivashinsky");
  require(std::max(interval, options.burn_in) <= most_steps * std::min(options.step, interval), "step",
          shortest(options.step), "2^31 steps at most between two times, and in burn_in");
}

}  // namespace spnode::reference
