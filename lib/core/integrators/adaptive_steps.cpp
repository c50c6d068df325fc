#include "core/integrators/adaptive_steps.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace spnode::core {

namespace {

/// The error of lane l over 1 plus the size of its state; both root mean squares.
template <class Host>
double lane_error(const Host& error, const Host& state, std::size_t l) {
  double squares = 0.0, size = 0.0;
  for (std::size_t i = 0; i < state.extent(0); ++i) {
    squares += double(error(i, l)) * double(error(i, l));
    size += double(state(i, l)) * double(state(i, l));
  }
  const double n = double(state.extent(0));
  return std::sqrt(squares / n) / (1.0 + std::sqrt(size / n));
}

template <class Host>
bool is_finite(const Host& state, std::size_t l) {
  for (std::size_t i = 0; i < state.extent(0); ++i)
    if (!std::isfinite(double(state(i, l)))) return false;
  return true;
}

}  // namespace

template <class Real>
std::vector<double> AdaptiveSteps<Real>::lengths(const std::vector<double>& steps, Scheme scheme) {
  std::vector<double> all;
  for (const double h : steps)
    for (std::size_t k = 0; k <= most_halvings(scheme); ++k) all.push_back(std::ldexp(h, -int(k)));
  return all;
}

template <class Real>
void AdaptiveSteps<Real>::assign(const LaneTimes& interval, std::size_t finer, std::size_t half,
                                 RolloutSteps<Real>& steps) {
  const std::size_t count = lanes_.size();
  h_.resize(count);
  times_.resize(2 * count);
  for (std::size_t l = 0; l < count; ++l) {
    const Lane& lane = lanes_[l];
    const double longest = lane.parts > 0 ? lane.longest() : 0.0;
    h_[l] = std::ldexp(longest, -int(lane.halvings + finer));
    const double position = finished(lane) ? 0.0 : double(lane.position);
    times_[l] =
        interval.times[l] + position * std::ldexp(longest, -int(most_halvings_)) + double(half) * h_[l];
    times_[count + l] = times_[l] + h_[l];
  }
  steps.assign(dynamics_.table(), h_, 1, count);
  steps.assign_arguments(arguments_, {interval.trajectory, times_}, 1, dynamics_.integrator().abscissae());
}

template <class Real>
void AdaptiveSteps<Real>::try_step(const StepContext<Real>& context, const LaneTimes& interval,
                                   ConstMatrixView<Real> u, const Try& result, MatrixView<Real> tape) {
  if (const Integrator<Real>* const scheme = dynamics_.estimating_integrator()) {
    assign(interval, 0, 0, steps_);
    return scheme->step(context, steps_.step(0, 1), u, result.next, tape, result.error);
  }
  const ScratchFrame<Real> frame(context.scratch);
  const Integrator<Real>& scheme = dynamics_.integrator();
  const MatrixView<Real> middle = context.scratch.matrix(u.extent(0), u.extent(1));
  assign(interval, 0, 0, steps_);
  scheme.step(context, steps_.step(0, 1), u, result.error, tape);
  assign(interval, 1, 0, steps_);
  scheme.step(context, steps_.step(0, 1), u, middle, tape);
  assign(interval, 1, 1, steps_);
  scheme.step(context, steps_.step(0, 1), middle, result.next, tape);
  axpy(context.space, -1.0, result.next, result.error);
}

template <class Real>
double AdaptiveSteps<Real>::time_at(const LaneTimes& interval, std::size_t l, std::uint64_t position) const {
  if (position == end(lanes_[l])) return interval.times[lanes_.size() + l];
  return interval.times[l] + double(position) * std::ldexp(lanes_[l].longest(), -int(most_halvings_));
}

// Notes a step that has led a lane from a position to where it is now: the steps whose result was kept.
template <class Real>
void AdaptiveSteps<Real>::take(const LaneTimes& interval, std::size_t l, std::uint64_t from,
                               std::size_t halvings) {
  const std::size_t parts = dynamics_.estimating_integrator() ? 1 : 2;
  const double h = std::ldexp(lanes_[l].longest(), -int(halvings + parts - 1));
  const std::uint64_t to = lanes_[l].position;
  for (std::size_t part = 1; part <= parts; ++part)
    taken_[l].push_back({h, time_at(interval, l, from + part * (to - from) / parts)});
}

template <class Real>
void AdaptiveSteps<Real>::fail(Lane& lane) const {
  if (failure_ == Failure::raise)
    throw NumericalError("an adaptive step of 2^-" + std::to_string(most_halvings_) +
                         " of the longest one misses the tolerance " + shortest(tolerance_) +
                         ": the forecast has diverged, or the tolerance is below the rounding errors");
  lane.failed = true;
  lane.position = end(lane);
}

// After a try with the lane's step: on, or the same again with half of it.
template <class Real>
void AdaptiveSteps<Real>::move(Lane& lane, double error) const {
  if (!(error <= tolerance_)) {
    if (++lane.halvings == most_halvings_) fail(lane);  // its half would leave the lengths
    return;
  }
  lane.position += std::uint64_t{1} << (most_halvings_ - lane.halvings);
  // A step twice as long errs 2^(p+1) times as much, and must begin at a multiple of itself.
  const double growth = std::ldexp(1.0, dynamics_.integrator().order() + 1);
  const bool aligned =
      lane.halvings > 0 && lane.position % (std::uint64_t{2} << (most_halvings_ - lane.halvings)) == 0;
  if (aligned && 2.0 * growth * error < tolerance_) --lane.halvings;
}

template <class Real>
typename AdaptiveSteps<Real>::Left AdaptiveSteps<Real>::left(const LaneTimes& interval, std::size_t l) const {
  const Lane& lane = lanes_[l];
  const double steps = double(end(lane) - lane.position);
  return {steps / double(end(lane)),
          steps * std::ldexp(dynamics_.table().length(lane.longest()), -int(most_halvings_)),
          time_at(interval, l, lane.position)};
}

template <class Real>
void AdaptiveSteps<Real>::advance(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u,
                                  Scratch<Real>& scratch) {
  const std::size_t lanes = u.extent(1);
  parts_.assign(lanes, substeps_);
  lengths_.resize(lanes);
  for (std::size_t l = 0; l < lanes; ++l) lengths_[l] = interval.times[lanes + l] - interval.times[l];
  advance(space, interval, {parts_, lengths_, {}}, u, scratch);
}

template <class Real>
void AdaptiveSteps<Real>::advance(const ExecSpace& space, const LaneTimes& interval, const Ways& ways,
                                  MatrixView<Real> u, Scratch<Real>& scratch) {
  const ScratchFrame<Real> frame(scratch);
  const std::size_t n = u.extent(0), lanes = u.extent(1);
  const Integrator<Real>* const estimating = dynamics_.estimating_integrator();
  const double error_factor =
      estimating ? 1.0 : 1.0 / (std::ldexp(1.0, dynamics_.integrator().order()) - 1.0);
  const std::size_t tape_rows = (estimating ? *estimating : dynamics_.integrator()).tape_rows();
  const Try result{scratch.matrix(n, lanes), scratch.matrix(n, lanes)};
  const MatrixView<Real> tape = scratch.matrix(tape_rows, lanes);
  const StepContext<Real> context = dynamics_.context(space, scratch);
  const auto host = Kokkos::create_mirror_view(u);
  const auto next = Kokkos::create_mirror_view(result.next), error = Kokkos::create_mirror_view(result.error);
  lanes_.assign(lanes, {});
  for (std::size_t l = 0; l < lanes; ++l) {
    lanes_[l].parts = ways.parts[l];
    lanes_[l].length = ways.lengths[l];
  }
  taken_.resize(lanes);
  for (auto& steps : taken_) steps.clear();
  Kokkos::deep_copy(host, u);
  for (std::size_t l = 0; l < lanes; ++l)
    if (failure_ == Failure::diverge && !is_finite(host, l)) fail(lanes_[l]);
  while (!std::all_of(lanes_.begin(), lanes_.end(), [this](const Lane& lane) { return finished(lane); })) {
    // Finished lanes begin the interval again; their results are discarded.
    try_step(context, interval, u, result, tape);
    Kokkos::deep_copy(next, result.next);
    Kokkos::deep_copy(error, result.error);
    for (std::size_t l = 0; l < lanes; ++l) {
      if (finished(lanes_[l])) continue;
      Lane& lane = lanes_[l];
      const Lane before = lane;
      move(lane, error_factor * lane_error(error, next, l));
      if (lane.position == before.position) continue;
      if (!lane.failed) take(interval, l, before.position, before.halvings);
      if (failure_ == Failure::diverge && taken_[l].size() > most_steps) fail(lane);
      for (std::size_t i = 0; i < n; ++i)
        host(i, l) = lane.failed ? std::numeric_limits<Real>::quiet_NaN() : next(i, l);
      if (ways.ends && !lane.failed) lane.ended = ways.ends(host, l);
    }
    Kokkos::deep_copy(u, host);
  }
}

template class AdaptiveSteps<double>;
template class AdaptiveSteps<float>;

}  // namespace spnode::core
