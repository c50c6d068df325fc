#include "core/model/autoencoder.hpp"

#include "core/kernels/gemm.hpp"

#include <algorithm>

namespace spnode::core {

LinearPlusNetwork::LinearPlusNetwork(Shape shape, const AutoencoderOptions& options)
    : shape_(std::move(shape)),
      has_linear_(options.pod),
      linear_frozen_(!options.pod_trainable),
      network_frozen_(options.frozen) {
  if (options.pod && options.hidden.empty()) return;
  NetworkOptions network;
  network.hidden = options.hidden;
  network.activation = options.activation;
  network.initial_scale = options.initial_scale;
  // Beside a POD the network starts as a small correction.
  const double last = options.pod ? 0.1 : 1.0;
  network_ = std::make_unique<Network>(
      shape_.inputs, shape_.outputs, network,
      Network::Role{shape_.name, ParameterGroup::autoencoder, network_frozen_, last});
}

void LinearPlusNetwork::declare(ParameterLayout& layout) {
  if (has_linear_) {
    linear_ = {shape_.name + "/linear",
               {shape_.outputs, shape_.inputs},
               "linear map (outputs, inputs)",
               ParameterGroup::autoencoder,
               linear_frozen_};
    linear_.offset = layout.add(linear_);
  }
  if (network_) network_->declare(layout);
}

void LinearPlusNetwork::initialise(std::uint64_t seed, std::span<double> theta) const {
  if (has_linear_) std::ranges::fill(block_of(theta, linear_), 0.0);
  if (network_) network_->initialise(seed, theta);
}

void LinearPlusNetwork::set_linear(std::span<const double> matrix, std::span<double> theta) const {
  if (has_linear_) std::ranges::copy(matrix, block_of(theta, linear_).begin());
}

std::size_t LinearPlusNetwork::coefficient_count() const {
  return linear_size() + (network_ ? network_->coefficient_count() : 0);
}

void LinearPlusNetwork::realise(std::span<const double> theta, std::span<double> kappa) const {
  if (has_linear_) std::ranges::copy(block_of(theta, linear_), kappa.begin());
  if (network_) network_->realise(theta, kappa.subspan(linear_size()));
}

void LinearPlusNetwork::realise_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                                    std::span<double> theta_bar) const {
  if (has_linear_ && !linear_frozen_) {
    const auto bar = block_of(theta_bar, linear_);
    for (std::size_t i = 0; i < bar.size(); ++i) bar[i] += kappa_bar[i];
  }
  if (network_ && !network_frozen_) network_->realise_vjp(theta, kappa_bar.subspan(linear_size()), theta_bar);
}

void LinearPlusNetwork::realise_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                    std::span<double> kappa_dot) const {
  if (has_linear_) std::ranges::copy(block_of(theta_dot, linear_), kappa_dot.begin());
  if (network_) network_->realise_jvp(theta, theta_dot, kappa_dot.subspan(linear_size()));
}

ConstMatrixView LinearPlusNetwork::linear(const ConstVectorView& kappa) const {
  return ConstMatrixView(kappa.data(), shape_.outputs, shape_.inputs);
}

ConstVectorView LinearPlusNetwork::network_part(const ConstVectorView& kappa) const {
  return ConstVectorView(kappa.data() + linear_size(), network_->coefficient_count());
}

void LinearPlusNetwork::apply(const ExecSpace& space, ConstVectorView kappa, ConstMatrixView x, MatrixView y,
                              MatrixView tape, Scratch& scratch) const {
  if (has_linear_) gemm(space, 1.0, linear(kappa), Transpose::no, x, 1.0, y);
  if (network_) network_->apply(space, network_part(kappa), x, y, tape, scratch);
}

void LinearPlusNetwork::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch& scratch) const {
  const bool learns = reverse.kappa_bar.extent(0) > 0;
  if (has_linear_) {
    gemm(space, 1.0, linear(reverse.kappa), Transpose::yes, reverse.y_bar, 1.0, reverse.x_bar);
    if (learns && !linear_frozen_)
      gemm_nt(space, 1.0, reverse.y_bar, reverse.x,
              MatrixView(reverse.kappa_bar.data(), shape_.outputs, shape_.inputs));
  }
  if (!network_) return;
  Reverse inner = reverse;
  inner.kappa = network_part(reverse.kappa);
  inner.kappa_bar = learns && !network_frozen_
                        ? VectorView(reverse.kappa_bar.data() + linear_size(), network_->coefficient_count())
                        : VectorView();
  network_->apply_vjp(space, inner, scratch);
}

void LinearPlusNetwork::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch& scratch) const {
  if (has_linear_) {
    gemm(space, 1.0, linear(tangent.kappa), Transpose::no, tangent.x_dot, 1.0, tangent.y_dot);
    gemm(space, 1.0, linear(tangent.kappa_dot), Transpose::no, tangent.x, 1.0, tangent.y_dot);
  }
  if (!network_) return;
  Tangent inner = tangent;
  inner.kappa = network_part(tangent.kappa);
  inner.kappa_dot = network_part(tangent.kappa_dot);
  network_->apply_jvp(space, inner, scratch);
}

}  // namespace spnode::core
