#include "core/forecast/jacobian_products.hpp"

#include "core/forecast/arguments_at_times.hpp"

namespace spnode::core {

bool JacobianProducts::defined_for(const ModelOptions& options) {
  const AutoencoderOptions& autoencoder = options.autoencoder;
  if (options.coupling_flow.enabled || options.positive.enabled() || options.lifting.enabled()) return false;
  return !autoencoder.enabled || (autoencoder.pod && autoencoder.hidden.empty());
}

JacobianProducts::JacobianProducts(const Model& model, std::span<const double> theta)
    : model_(model),
      field_(model),
      coordinates_(model),
      arguments_(model.options().arguments, model.argument_scaling) {
  field_.set_parameters(theta);
  coordinates_.set_parameters(theta);
}

void JacobianProducts::compute(const Trajectories& data, std::size_t trajectory, std::span<double> products) {
  const ScratchFrame frame(scratch_);
  const std::size_t m = data.components, n = model_.latent_dimension(), times = data.times,
                    stride = data.tangents * m;
  const std::vector<double>&shift = model_.scaling.shift, &scale = model_.scaling.scale;
  const MatrixView<double> z = scratch_.matrix(m, times), z_dot = scratch_.matrix(m, times),
                           u = scratch_.matrix(n, times), u_dot = scratch_.matrix(n, times),
                           f = scratch_.matrix(n, times), f_dot = scratch_.matrix(n, times),
                           q = scratch_.matrix(arguments_.size(), times),
                           tape = scratch_.matrix(field_.tape_rows(), times),
                           none = scratch_.matrix(0, times);
  const auto stage = [&](const auto& entry, const MatrixView<double>& to) {
    host_.resize(m * times);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t t = 0; t < times; ++t) host_[i * times + t] = entry(i, t);
    upload(std::span<const double>(host_), to);
  };
  arguments_at_times(arguments_, data, trajectory, q);
  stage([&](std::size_t i, std::size_t t) { return (data.state_at(trajectory, t)[i] - shift[i]) / scale[i]; },
        z);
  coordinates_.to_latent().value(space_, z, u, none, scratch_);
  field_.value(space_, {u, q}, f, tape, scratch_);
  for (std::size_t v = 0; v < data.tangents; ++v) {
    const double* const direction = data.directions.data() + data.tangents_at(trajectory, 0) + v * m;
    stage([&](std::size_t i, std::size_t t) { return direction[t * stride + i] / scale[i]; }, z_dot);
    coordinates_.to_latent().jvp(space_, {z, z_dot, none, {}, u_dot}, scratch_);
    field_.jvp(space_, {{u, q}, u_dot, tape, {}, f_dot}, scratch_);
    coordinates_.from_latent().jvp(space_, {u, f_dot, none, {}, z_dot}, scratch_);
    host_.resize(m * times);
    download(z_dot, host_);
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t i = 0; i < m; ++i) products[t * stride + v * m + i] = scale[i] * host_[i * times + t];
  }
}

}  // namespace spnode::core
