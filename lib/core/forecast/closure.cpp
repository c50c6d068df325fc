#include "core/forecast/closure.hpp"

#include "core/forecast/arguments_at_times.hpp"
#include "core/forecast/fast_norm.hpp"
#include "core/kernels/elementwise.hpp"

#include <cstddef>
#include <span>

namespace spnode::core {

Closure::Closure(const Model& model, std::span<const double> theta)
    : model_(model),
      field_(model),
      coordinates_(model),
      arguments_(model.options().arguments, model.argument_scaling) {
  static_cast<void>(model.slow_terms());  // raises where there are none
  field_.set_parameters(theta);
  coordinates_.set_parameters(theta);
}

// States, or without the shift derivatives, (times, components) in the unit of the data, as (components,
// times) in that of the model.
MatrixView<double> Closure::scaled(std::span<const double> values, bool shifted) {
  const std::size_t m = model_.state_dimension(), times = values.size() / m;
  const MatrixView<double> z = scratch_.matrix(m, times);
  std::vector<double> host(values.size());
  for (std::size_t t = 0; t < times; ++t)
    for (std::size_t i = 0; i < m; ++i) {
      const double shift = shifted ? model_.scaling.shift[i] : 0.0;
      host[i * times + t] = (values[t * m + i] - shift) / model_.scaling.scale[i];
    }
  upload(std::span<const double>(host), z);
  return z;
}

std::vector<double> Closure::unscaled(ConstMatrixView<double> z, bool shifted) {
  const std::size_t m = model_.state_dimension();
  std::vector<double> values = rows(z, m);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double shift = shifted ? model_.scaling.shift[k % m] : 0.0;
    values[k] = values[k] * model_.scaling.scale[k % m] + shift;
  }
  return values;
}

// (times, count): the first rows of (n, times).
std::vector<double> Closure::rows(ConstMatrixView<double> u, std::size_t count) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), u);
  std::vector<double> values;
  values.reserve(count * u.extent(1));
  for (std::size_t t = 0; t < u.extent(1); ++t)
    for (std::size_t i = 0; i < count; ++i) values.push_back(host(i, t));
  return values;
}

ClosurePoints Closure::compute(const Trajectories& data, std::size_t trajectory) {
  const ScratchFrame frame(scratch_);
  const std::size_t m = data.components, n = model_.latent_dimension(), times = data.times,
                    slow = model_.options().linear.slow_dimension, place = trajectory * times * m;
  const CoordinateMap<double>&to = coordinates_.to_latent(), &from = coordinates_.from_latent();
  const MatrixView<double> q = scratch_.matrix(arguments_.size(), times);
  arguments_at_times(arguments_, data, trajectory, q);
  const ConstMatrixView<double> parameters = rows_of(q, 0, coordinates_.parameter_count()),
                                z = scaled(std::span(data.state).subspan(place, times * m), true);
  const MatrixView<double> u = scratch_.matrix(n, times), u_dot = scratch_.matrix(n, times),
                           to_tape = scratch_.matrix(to.tape_rows(), times), z_0 = scratch_.matrix(m, times),
                           z_dot = scratch_.matrix(m, times),
                           from_tape = scratch_.matrix(from.tape_rows(), times),
                           field_tape = scratch_.matrix(field_.tape_rows(), times);
  ClosurePoints found;
  to.value(space_, {z, parameters}, u, to_tape, scratch_);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), u);
  for (std::size_t t = 0; t < times; ++t) found.fast_norm.push_back(fast_norm(host, t, slow));
  if (!data.derivative.empty()) {
    const ConstMatrixView<double> rate = scaled(std::span(data.derivative).subspan(place, times * m), false);
    to.jvp(space_, {{z, parameters}, rate, to_tape, {}, u_dot}, scratch_);
    found.slow_of_data = rows(u_dot, slow);
  }
  fill(space_, 0.0, rows_of(u, slow, n - slow));
  field_.value(space_, {u, q}, u_dot, field_tape, scratch_);  // every term of dy/dt vanishes with y
  found.slow = rows(u_dot, slow);
  from.value(space_, {u, parameters}, z_0, from_tape, scratch_);
  from.jvp(space_, {{u, parameters}, u_dot, from_tape, {}, z_dot}, scratch_);
  found.state = unscaled(z_0, true);
  found.derivative = unscaled(z_dot, false);
  return found;
}

}  // namespace spnode::core
