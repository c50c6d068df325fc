#include "core/forecast/forecast.hpp"

#include "core/data/windows.hpp"
#include "core/forecast/fast_norm.hpp"
#include "core/integrators/rollout.hpp"
#include "core/integrators/window_steps.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <limits>

namespace spnode::core {
namespace {

constexpr std::size_t chunk_intervals = 32;  // intervals whose latent states are held at a time

double tolerance_of(const ForecastOptions& options) {
  return options.tolerance > 0.0 ? options.tolerance : options.integrator.tolerance;
}

StepScope scope_of(const ForecastOptions& options, const StepTable& table) {
  if (tolerance_of(options) > 0.0) return StepScope::table;  // lanes share the halvings
  if (options.mode == ForecastMode::hybrid) return StepScope::table;
  const std::size_t intervals = options.tile * chunk_intervals / options.integrator.substeps;
  return choose_scope(table, intervals, intervals);
}

DynamicsMode dynamics_of(ForecastMode mode) {
  return mode == ForecastMode::slow ? DynamicsMode::slow : DynamicsMode::full;
}

void require_forward(ForecastMode mode, const std::vector<double>& steps) {
  if (mode != ForecastMode::hybrid || steps.empty()) return;
  const double least = *std::ranges::min_element(steps);
  if (least < 0.0)
    throw UsageError("mode hybrid goes forward in time, in which the fast variables decay; a step of " +
                     shortest(least) + " goes back: take mode full or slow");
}

/// The remainders of intervals in which a trajectory changes to the slow manifold are in no table.
StepTable table_of(const ForecastOptions& options, std::vector<double> steps) {
  require_forward(options.mode, steps);
  if (tolerance_of(options) > 0.0) steps = AdaptiveSteps<double>::lengths(steps, options.integrator.scheme);
  return StepTable(std::move(steps), options.mode == ForecastMode::hybrid ? StepTable::Unlisted::itself
                                                                          : StepTable::Unlisted::refused);
}

}  // namespace

std::vector<double> forecast_steps(double interval, std::size_t substeps, double fast_step) {
  std::vector<double> steps = {interval / double(substeps),
                               interval / double(full_steps(interval, substeps, fast_step))};
  merge_steps(steps);
  return steps;
}

std::vector<double> forecast_steps(const Trajectories& grid, std::size_t substeps, double fast_step) {
  const WindowData intervals(WindowIndex(std::max<std::size_t>(grid.count, 1), grid.times, {}), grid, 0);
  std::vector<double> steps = distinct_steps(intervals, substeps);
  if (fast_step == 0.0) return steps;
  for (const double interval : distinct_steps(intervals, 1))
    steps.push_back(interval / double(full_steps(interval, substeps, fast_step)));
  merge_steps(steps);
  return steps;
}

std::map<std::string, std::vector<double>> inputs_at_times(const ArgumentOptions& options,
                                                           const Trajectories& trajectories) {
  const std::size_t count = options.inputs.size(), times = trajectories.times;
  ArgumentReader reader({{}, options.inputs, false, options.interpolation},
                        {std::vector<double>(count, 0.0), std::vector<double>(count, 1.0)});
  reader.attach(trajectories);
  std::map<std::string, std::vector<double>> inputs;
  for (const std::string& name : options.inputs) inputs[name].reserve(trajectories.count * times);
  std::vector<double> values(count);
  for (std::size_t n = 0; n < trajectories.count; ++n) {
    const double* const t = trajectories.times_at(n);
    const auto side = times > 1 && t[1] < t[0] ? ArgumentReader::Side::earlier : ArgumentReader::Side::later;
    for (std::size_t k = 0; k < times; ++k) {
      reader.read(n, t[k], values, side);
      for (std::size_t i = 0; i < count; ++i) inputs[options.inputs[i]].push_back(values[i]);
    }
  }
  return inputs;
}

template <class Real>
BasicForecaster<Real>::BasicForecaster(const Model& model, std::span<const double> theta,
                                       ForecastOptions options, std::vector<double> steps)
    : model_(BasicModel<Real>::like(model)),
      options_(options),
      tolerance_(tolerance_of(options_)),
      table_(table_of(options_, std::move(steps))),
      method_(choose_method(options_.integrator, model.split_shape(), table_, model.linear_operator(theta),
                            options_.tile * chunk_intervals)),
      dynamics_(model_, options_.integrator, table_, method_, scope_of(options_, table_),
                dynamics_of(options_.mode)),
      coordinates_(model_),
      arguments_(model.options().arguments, model.argument_scaling),
      coordinate_arguments_(parameter_reader(model.options().arguments, model.argument_scaling,
                                             coordinates_.parameter_count())) {
  dynamics_.set_parameters(theta);
  coordinates_.set_parameters(theta);
  if (options_.mode != ForecastMode::hybrid) return;
  manifold_.emplace(model_, options_.integrator, table_, method_, StepScope::table, DynamicsMode::slow);
  manifold_->set_parameters(theta);
}

template <class Real>
std::vector<double> BasicForecaster<Real>::encode(const Trajectories& trajectories) {
  std::vector<double> latent(trajectories.count * model_.latent_dimension());
  for (std::size_t first = 0; first < trajectories.count; first += options_.tile)
    encode_tile(trajectories, first, std::min(options_.tile, trajectories.count - first),
                &latent[first * model_.latent_dimension()]);
  return latent;
}

template <class Real>
void BasicForecaster<Real>::run(Trajectories& piece, std::span<double> latent) {
  if (manifold_) manifold_times_.assign(piece.count, std::numeric_limits<double>::infinity());
  for (std::size_t first = 0; first < piece.count; first += options_.tile)
    run_tile(piece, first, std::min(options_.tile, piece.count - first),
             &latent[first * model_.latent_dimension()]);
}

template <class Real>
void BasicForecaster<Real>::assign_steps(const Trajectories& trajectories, std::size_t first,
                                         std::size_t count, std::size_t start, std::size_t intervals) {
  const std::size_t lanes = padded<Real>(count);
  const std::size_t substeps = options_.integrator.substeps;
  h_.resize(intervals * lanes);
  times_.resize((intervals + 1) * lanes);
  lanes_.resize(lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    lanes_[l] = first + std::min(l, count - 1);
    for (std::size_t i = 0; i <= intervals; ++i)
      times_[i * lanes + l] = trajectories.time_at(lanes_[l], start + i);
    for (std::size_t i = 0; i < intervals; ++i)
      h_[i * lanes + l] = (times_[(i + 1) * lanes + l] - times_[i * lanes + l]) / double(substeps);
  }
  if (arguments_.size() > 0) arguments_.attach(trajectories);
  if (tolerance_ > 0.0 || manifold_) return;  // steps follow, lane by lane
  steps_.assign(table_, h_, intervals, lanes);
  steps_.assign_arguments(arguments_, {lanes_, times_}, substeps, dynamics_.integrator().abscissae());
  dynamics_.hold(steps_);
}

template <class Real>
typename AdaptiveSteps<Real>::Failure BasicForecaster<Real>::failure() const {
  using Failure = typename AdaptiveSteps<Real>::Failure;
  return options_.tolerance > 0.0 ? Failure::raise : Failure::diverge;
}

template <class Real>
void BasicForecaster<Real>::run_hybrid_chunk(const Trajectories& piece, MatrixView<Real> states,
                                             std::size_t intervals) {
  const ScratchFrame frame(scratch_);
  const std::size_t lanes = lanes_.size();
  const MatrixView<Real> u = scratch_.matrix(states.extent(0), lanes);
  HybridSteps<Real> steps(dynamics_, *manifold_, arguments_,
                          {options_.hybrid, model_.options().linear.slow_dimension,
                           options_.integrator.substeps, tolerance_, failure()});
  Kokkos::deep_copy(u, lanes_of(states, 0, lanes));
  for (std::size_t i = 0; i < intervals; ++i) {
    steps.advance(space_, interval(i), u, scratch_);
    Kokkos::deep_copy(lanes_of(states, (i + 1) * lanes, lanes), u);
    for (std::size_t l = 0; l < lanes; ++l) {
      double& first = manifold_times_[lanes_[l]];
      first = std::min(first, steps.reached(l) + piece.clock_at(lanes_[l]));
    }
  }
}

// From block 0 of `states` on, over the steps that have been assigned.
template <class Real>
void BasicForecaster<Real>::run_chunk(const Trajectories& piece, MatrixView<Real> states,
                                      std::size_t intervals) {
  const std::size_t substeps = options_.integrator.substeps, lanes = lanes_.size();
  if (manifold_) return run_hybrid_chunk(piece, states, intervals);
  if (tolerance_ == 0.0) {
    Rollout<Real>(dynamics_, {substeps, 0})
        .forward(space_, steps_, states, Rollout<Real>::Record::no, scratch_);
    return;
  }
  const ScratchFrame frame(scratch_);
  const MatrixView<Real> u = scratch_.matrix(states.extent(0), lanes);
  AdaptiveSteps<Real> adaptive(dynamics_, arguments_, substeps, tolerance_, failure());
  Kokkos::deep_copy(u, lanes_of(states, 0, lanes));
  for (std::size_t i = 0; i < intervals; ++i) {
    adaptive.advance(space_, interval(i), u, scratch_);
    Kokkos::deep_copy(lanes_of(states, (i + 1) * lanes, lanes), u);
  }
}

// The parameters that the coordinates depend on, of the lanes of some blocks.
template <class Real>
ConstMatrixView<Real> BasicForecaster<Real>::coordinate_parameters(const Trajectories& trajectories,
                                                                   std::size_t first, std::size_t count,
                                                                   std::size_t blocks) {
  const std::size_t size = coordinate_arguments_.size(), lanes = padded<Real>(count);
  const MatrixView<Real> parameters = scratch_.matrix(size, blocks * lanes);
  if (size == 0) return parameters;
  coordinate_arguments_.attach(trajectories);
  std::vector<double> point(size), values(size * blocks * lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    coordinate_arguments_.read(first + std::min(l, count - 1), 0.0, point);
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t block = 0; block < blocks; ++block)
        values[(i * blocks + block) * lanes + l] = point[i];
  }
  upload(std::span<const double>(values), parameters);
  return parameters;
}

// Decodes blocks of latent states, the first of which is at time `start`.
template <class Real>
void BasicForecaster<Real>::store(Trajectories& trajectories, std::size_t first, std::size_t count,
                                  std::size_t start, MatrixView<Real> latent) {
  const ScratchFrame frame(scratch_);
  const std::size_t m = model_.state_dimension(), lanes = padded<Real>(count), columns = latent.extent(1);
  const MatrixView<Real> z = scratch_.matrix(m, columns);
  const CoordinateMap<Real>& decoder = coordinates_.from_latent();
  const ConstMatrixView<Real> parameters = coordinate_parameters(trajectories, first, count, columns / lanes);
  decoder.value(space_, {latent, parameters}, z, scratch_.matrix(decoder.tape_rows(), columns), scratch_);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), z);
  for (std::size_t block = 0; block < columns / lanes; ++block)
    for (std::size_t l = 0; l < count; ++l) {
      double* const x = trajectories.state_at(first + l, start + block);
      for (std::size_t i = 0; i < m; ++i)
        x[i] = double(host(i, block * lanes + l)) * model_.scaling.scale[i] + model_.scaling.shift[i];
    }
}

// Whether the first state of a lane is one of the slow manifold.
template <class Real>
template <class HostStates>
bool BasicForecaster<Real>::is_projected(const HostStates& states, std::size_t lane) const {
  const std::size_t slow = model_.options().linear.slow_dimension;
  return options_.mode == ForecastMode::slow ||
         (manifold_ && fast_norm(states, lane, slow) <= options_.hybrid.fast_tolerance);
}

template <class Real>
void BasicForecaster<Real>::encode_tile(const Trajectories& trajectories, std::size_t first,
                                        std::size_t count, double* latent) {
  const ScratchFrame frame(scratch_);
  const std::size_t m = model_.state_dimension(), n = model_.latent_dimension(), lanes = padded<Real>(count);
  const MatrixView<Real> z = scratch_.matrix(m, lanes), u = scratch_.matrix(n, lanes);
  const auto host = Kokkos::create_mirror_view(z);
  for (std::size_t l = 0; l < lanes; ++l) {
    const double* const x = trajectories.state_at(first + std::min(l, count - 1), 0);
    for (std::size_t i = 0; i < m; ++i)
      host(i, l) = Real((x[i] - model_.scaling.shift[i]) / model_.scaling.scale[i]);
  }
  Kokkos::deep_copy(z, host);
  const CoordinateMap<Real>& encoder = coordinates_.to_latent();
  encoder.value(space_, {z, coordinate_parameters(trajectories, first, count, 1)}, u,
                scratch_.matrix(encoder.tape_rows(), lanes), scratch_);
  const auto encoded = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), u);
  for (std::size_t l = 0; l < count; ++l) {
    const std::size_t kept = is_projected(encoded, l) ? model_.options().linear.slow_dimension : n;
    for (std::size_t i = 0; i < n; ++i) latent[l * n + i] = i < kept ? double(encoded(i, l)) : 0.0;
  }
}

template <class Real>
void BasicForecaster<Real>::run_tile(Trajectories& piece, std::size_t first, std::size_t count,
                                     double* latent) {
  const ScratchFrame frame(scratch_);
  const std::size_t n = model_.latent_dimension(), lanes = padded<Real>(count);
  const MatrixView<Real> u = scratch_.matrix(n, lanes);
  const auto host = Kokkos::create_mirror_view(u);
  for (std::size_t l = 0; l < lanes; ++l)
    for (std::size_t i = 0; i < n; ++i) host(i, l) = Real(latent[std::min(l, count - 1) * n + i]);
  Kokkos::deep_copy(u, host);
  if (piece.times == 1) store(piece, first, count, 0, u);
  for (std::size_t start = 0; start + 1 < piece.times; start += chunk_intervals) {
    const ScratchFrame chunk(scratch_);
    const std::size_t intervals = std::min(chunk_intervals, piece.times - 1 - start);
    assign_steps(piece, first, count, start, intervals);
    const MatrixView<Real> states = scratch_.matrix(n, (intervals + 1) * lanes);
    Kokkos::deep_copy(lanes_of(states, 0, lanes), u);
    run_chunk(piece, states, intervals);
    store(piece, first, count, start, states);
    Kokkos::deep_copy(u, lanes_of(states, intervals * lanes, lanes));
  }
  Kokkos::deep_copy(host, u);
  for (std::size_t l = 0; l < count; ++l)
    for (std::size_t i = 0; i < n; ++i) latent[l * n + i] = double(host(i, l));
}

template class BasicForecaster<double>;
template class BasicForecaster<float>;

}  // namespace spnode::core
