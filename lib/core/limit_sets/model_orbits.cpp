#include "core/limit_sets/model_orbits.hpp"

#include "core/kernels/lanes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spnode::core {
namespace {

IntegratorOptions single_steps(IntegratorOptions options) {
  options.substeps = 1;
  return options;
}

MatrixFunctionMethod method_for(const Model& model, std::span<const double> theta,
                                const IntegratorOptions& integrator, double step) {
  return choose_method(integrator, model.split_shape(), StepTable({step}), model.linear_operator(theta), 64);
}

}  // namespace

ModelOrbits::ModelOrbits(const Model& model, std::span<const double> theta,
                         const IntegratorOptions& integrator, const Trajectories& start, double step)
    : model_(model),
      is_map_(integrator.scheme == Scheme::map),
      step_(step),
      count_(start.count),
      lanes_(padded<double>(start.count)),
      forecaster_(model, theta, {single_steps(integrator)}, {step_length()}),
      dynamics_(model, single_steps(integrator), StepTable({step_length()}),
                method_for(model, theta, single_steps(integrator), step_length())),
      arguments_(model.options().arguments, model.argument_scaling) {
  if (!model.options().arguments.constant())
    throw OptionError({"inputs", "time"},
                      "are given: the right-hand side changes in time and has no limit sets of its own");
  const std::size_t n = model.latent_dimension();
  dynamics_.set_parameters(theta);
  const auto matrix = [&](std::size_t rows) {
    return Matrix<double>("spnode::core::ModelOrbits", rows, lanes_);
  };
  u_ = matrix(n), v_ = matrix(n), f_ = matrix(n), next_ = matrix(n), next_dot_ = matrix(n);
  q_ = matrix(arguments_.size());
  u_host_ = Kokkos::create_mirror(u_), v_host_ = Kokkos::create_mirror(u_);
  f_host_ = Kokkos::create_mirror(u_), u_before_ = Kokkos::create_mirror(u_);
  f_before_ = Kokkos::create_mirror(u_);
  no_dot_ = Vector<double>("spnode::core::ModelOrbits", dynamics_.coefficient_count());

  const std::vector<double> latent = forecaster_.encode(start);
  for (std::size_t l = 0; l < lanes_; ++l)
    for (std::size_t i = 0; i < n; ++i) {
      u_host_(i, l) = latent[std::min(l, count_ - 1) * n + i];
      v_host_(i, l) = i == 0 ? 1.0 : 0.0;
    }
  Kokkos::deep_copy(u_, u_host_);
  Kokkos::deep_copy(v_, v_host_);

  std::vector<std::size_t> trajectories(lanes_);
  for (std::size_t l = 0; l < lanes_; ++l) trajectories[l] = std::min(l, count_ - 1);
  std::vector<double> times(2 * lanes_, 0.0), point(arguments_.size());
  std::fill_n(times.begin() + std::ptrdiff_t(lanes_), lanes_, step_length());
  steps_.assign(dynamics_.table(), std::vector<double>(lanes_, step_length()), 1, lanes_);
  if (arguments_.size() > 0) {
    arguments_.attach(start);
    const auto q = Kokkos::create_mirror(q_);
    for (std::size_t l = 0; l < lanes_; ++l) {
      arguments_.read(trajectories[l], 0.0, point);
      for (std::size_t i = 0; i < point.size(); ++i) q(i, l) = point[i];
    }
    Kokkos::deep_copy(q_, q);
  }
  steps_.assign_arguments(arguments_, {trajectories, times}, 1, dynamics_.integrator().abscissae());
  if (is_map_) return;
  field_.emplace(model_);
  field_->set_parameters(theta);
  compute_rates();
}

void ModelOrbits::compute_rates() {
  const ScratchFrame frame(scratch_);
  field_->value(space_, Point<double>(u_, q_), f_, scratch_.matrix(field_->tape_rows(), lanes_), scratch_);
  Kokkos::deep_copy(f_host_, f_);
}

void ModelOrbits::advance() {
  const ScratchFrame frame(scratch_);
  const MatrixView<double> tape = scratch_.matrix(dynamics_.integrator().tape_rows(), lanes_);
  const StepContext<double> context = dynamics_.context(space_, scratch_);
  const auto no_dots = cut(VectorView<double>(no_dot_), dynamics_.linear_count());
  Kokkos::deep_copy(v_, v_host_);
  dynamics_.integrator().step(context, steps_.step(0, 1), u_, next_, tape);
  dynamics_.integrator().step_jvp(context, steps_.step(0, 1), u_, tape,
                                  {v_, no_dots.linear, no_dots.nonlinear, next_dot_});
  std::swap(u_, next_);
  std::swap(v_, next_dot_);
  if (!is_map_) {
    Kokkos::deep_copy(u_before_, u_host_);
    Kokkos::deep_copy(f_before_, f_host_);
    compute_rates();
  }
  Kokkos::deep_copy(u_host_, u_);
  Kokkos::deep_copy(v_host_, v_);
}

double ModelOrbits::normalise_tangent(std::size_t orbit) {
  double square = 0.0;
  for (std::size_t i = 0; i < dimension(); ++i) square += v_host_(i, orbit) * v_host_(i, orbit);
  const double norm = std::sqrt(square);
  for (std::size_t i = 0; norm > 0.0 && i < dimension(); ++i) v_host_(i, orbit) /= norm;
  return norm;
}

double ModelOrbits::maximum(std::size_t orbit, std::size_t component, std::span<double> u) const {
  const std::size_t n = dimension();
  std::vector<double> column[4];
  for (auto& values : column) values.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    column[0][i] = u_before_(i, orbit);
    column[1][i] = u_host_(i, orbit);
    column[2][i] = step_ * f_before_(i, orbit);
    column[3][i] = step_ * f_host_(i, orbit);
  }
  const CubicStep cubic{column[0], column[1], column[2], column[3]};
  const double share = cubic.maximum(component);
  for (std::size_t i = 0; i < n; ++i) u[i] = cubic.value(i, share);
  return share;
}

std::vector<double> ModelOrbits::shown(const std::vector<double>& states) const {
  Trajectories piece;
  piece.count = states.size() / dimension();
  piece.times = 1;
  piece.components = model_.state_dimension();
  piece.time = {0.0};
  piece.state.resize(piece.count * piece.components);
  std::vector<double> latent = states;
  forecaster_.run(piece, latent);
  return piece.state;
}

}  // namespace spnode::core
