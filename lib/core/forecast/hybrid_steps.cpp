#include "core/forecast/hybrid_steps.hpp"

#include "core/forecast/fast_norm.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spnode::core {

std::uint64_t full_steps(double interval, std::size_t substeps, double fast_step) {
  if (fast_step == 0.0) return substeps;
  constexpr double most = 1e9, rounding = 1e-9;  // of times, whose differences intervals are
  const double count = std::ceil(std::abs(interval) / fast_step * (1.0 - rounding));
  if (count > most)
    throw UsageError("an interval of " + shortest(interval) + " has more than 1e9 steps of the length " +
                     shortest(fast_step) + " that those of the full equations may have");
  return std::max<std::uint64_t>(substeps, std::uint64_t(count));
}

template <class Real>
HybridSteps<Real>::HybridSteps(const Dynamics<Real>& full, const Dynamics<Real>& slow,
                               const ArgumentReader& arguments, const Plan& plan)
    : full_(full), slow_(slow), arguments_(arguments), plan_(plan) {
  if (plan.tolerance == 0.0) return;
  full_steps_.emplace(full_, arguments_, plan.substeps, plan.tolerance, plan.failure);
  slow_steps_.emplace(slow_, arguments_, plan.substeps, plan.tolerance, plan.failure);
}

template <class Real>
bool HybridSteps<Real>::is_near(const HostStates& states, std::size_t lane) const {
  return fast_norm(states, lane, plan_.slow_dimension) <= plan_.options.fast_tolerance;
}

template <class Real>
void HybridSteps<Real>::enter(std::size_t l, HostStates& states, double time) {
  lanes_[l].reached = time;
  for (std::size_t i = plan_.slow_dimension; i < states.extent(0); ++i) states(i, l) = Real(0);
}

// What is left of the interval for the slow manifold: a share of it, and its length.
template <class Real>
void HybridSteps<Real>::leave_full(std::size_t l, double share, double length) {
  lanes_[l].slow = std::uint64_t(std::ceil(share * double(plan_.substeps)));
  lanes_[l].slow_length = length;
}

template <class Real>
void HybridSteps<Real>::begin(const LaneTimes& interval, HostStates& states) {
  const std::size_t lanes = states.extent(1);
  lanes_.assign(lanes, {});
  for (std::size_t l = 0; l < lanes; ++l) {
    Lane& lane = lanes_[l];
    const double length = interval.times[lanes + l] - interval.times[l];
    lane.reached = std::numeric_limits<double>::infinity();
    if (is_near(states, l)) {
      enter(l, states, interval.times[l]);
      leave_full(l, 1.0, length);
    } else {
      lane.full = full_steps(length, plan_.substeps, plan_.options.fast_step);
      lane.full_length = length;
    }
  }
}

// The next step of each march; none where it has ended.
template <class Real>
void HybridSteps<Real>::assign(const Dynamics<Real>& dynamics, const LaneTimes& interval) {
  const std::size_t lanes = marches_.size();
  h_.resize(lanes);
  times_.resize(2 * lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    const March& march = marches_[l];
    const double end = interval.times[lanes + l];
    h_[l] = march.moves() ? march.h : 0.0;
    times_[l] = march.time(march.done, end);
    times_[lanes + l] = march.time(std::min(march.done + 1, march.count), end);
  }
  steps_.assign(dynamics.table(), h_, 1, lanes);
  steps_.assign_arguments(arguments_, {interval.trajectory, times_}, 1, dynamics.integrator().abscissae());
}

// Ends the march of a lane that has reached the manifold, or whose state is not finite.
template <class Real>
void HybridSteps<Real>::look_for_manifold(std::size_t l, double end, HostStates& states) {
  March& march = marches_[l];
  const double norm = fast_norm(states, l, plan_.slow_dimension);
  const bool reached = norm <= plan_.options.fast_tolerance;
  if (reached) {
    const double left = double(march.count - march.done);
    enter(l, states, march.time(march.done, end));
    leave_full(l, left / double(march.count), left * march.h);
  }
  if (reached || !std::isfinite(norm)) march.count = march.done;
}

// The marches of all lanes under one dynamics.
template <class Real>
void HybridSteps<Real>::march(const ExecSpace& space, const Dynamics<Real>& dynamics,
                              const LaneTimes& interval, MatrixView<Real> u, HostStates& host,
                              Scratch<Real>& scratch) {
  const ScratchFrame<Real> frame(scratch);
  const std::size_t n = u.extent(0), lanes = u.extent(1);
  const StepContext<Real> context = dynamics.context(space, scratch);
  const MatrixView<Real> next = scratch.matrix(n, lanes),
                         tape = scratch.matrix(dynamics.integrator().tape_rows(), lanes);
  const auto host_next = Kokkos::create_mirror_view(next);
  const auto moves = [](const March& march) { return march.moves(); };
  for (bool changed = true; std::ranges::any_of(marches_, moves);) {
    if (changed || !arguments_.constant()) assign(dynamics, interval);
    dynamics.integrator().step(context, steps_.step(0, 1), u, next, tape);
    Kokkos::deep_copy(host_next, next);
    changed = false;
    for (std::size_t l = 0; l < lanes; ++l) {
      March& march = marches_[l];
      if (!march.moves()) continue;
      for (std::size_t i = 0; i < n; ++i) host(i, l) = host_next(i, l);
      ++march.done;
      if (&dynamics == &full_) look_for_manifold(l, interval.times[lanes + l], host);
      changed = changed || !march.moves();
    }
    Kokkos::deep_copy(u, host);
  }
}

template <class Real>
void HybridSteps<Real>::cross_equally(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u,
                                      HostStates& host, Scratch<Real>& scratch) {
  const std::size_t lanes = u.extent(1);
  const auto march_of = [](const Dynamics<Real>& dynamics, std::uint64_t count, double length, double begin) {
    const double h = count > 0 ? dynamics.table().length(length / double(count)) : 0.0;
    return March{count, 0, h, begin};
  };
  marches_.resize(lanes);
  for (std::size_t l = 0; l < lanes; ++l)
    marches_[l] = march_of(full_, lanes_[l].full, lanes_[l].full_length, interval.times[l]);
  march(space, full_, interval, u, host, scratch);
  for (std::size_t l = 0; l < lanes; ++l)
    marches_[l] = march_of(slow_, lanes_[l].slow, lanes_[l].slow_length, lanes_[l].reached);
  march(space, slow_, interval, u, host, scratch);
}

template <class Real>
void HybridSteps<Real>::cross_adaptively(const ExecSpace& space, const LaneTimes& interval,
                                         MatrixView<Real> u, HostStates& host, Scratch<Real>& scratch) {
  const std::size_t lanes = u.extent(1);
  parts_.resize(lanes);
  lengths_.resize(lanes);
  times_.assign(interval.times.begin(), interval.times.begin() + std::ptrdiff_t(2 * lanes));
  for (std::size_t l = 0; l < lanes; ++l) {
    parts_[l] = lanes_[l].full;
    lengths_[l] = lanes_[l].full_length;
  }
  const auto ends = [this](const HostStates& states, std::size_t l) { return is_near(states, l); };
  full_steps_->advance(space, interval, {parts_, lengths_, ends}, u, scratch);
  Kokkos::deep_copy(host, u);
  for (std::size_t l = 0; l < lanes; ++l) {
    if (full_steps_->ended(l)) {
      const auto left = full_steps_->left(interval, l);
      enter(l, host, left.time);
      leave_full(l, left.share, left.length);
    }
    parts_[l] = lanes_[l].slow;
    lengths_[l] = lanes_[l].slow_length;
    if (parts_[l] > 0) times_[l] = lanes_[l].reached;
  }
  Kokkos::deep_copy(u, host);
  slow_steps_->advance(space, {interval.trajectory, times_}, {parts_, lengths_, {}}, u, scratch);
}

template <class Real>
void HybridSteps<Real>::advance(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u,
                                Scratch<Real>& scratch) {
  auto host = Kokkos::create_mirror_view(u);
  Kokkos::deep_copy(host, u);
  begin(interval, host);
  Kokkos::deep_copy(u, host);
  if (plan_.tolerance == 0.0)
    cross_equally(space, interval, u, host, scratch);
  else
    cross_adaptively(space, interval, u, host, scratch);
}

template class HybridSteps<double>;
template class HybridSteps<float>;

}  // namespace spnode::core
