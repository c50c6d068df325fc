#include "core/components/autoencoder.hpp"

#include "core/kernels/gemm.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
LinearPlusNetwork<Real>::LinearPlusNetwork(Shape shape, const AutoencoderOptions& options)
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
  network_ = std::make_unique<Network<Real>>(
      shape_.inputs, shape_.outputs, network,
      typename Network<Real>::Role{shape_.name, ParameterGroup::autoencoder, network_frozen_, last});
}

template <class Real>
void LinearPlusNetwork<Real>::declare(ParameterLayout& layout) {
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

template <class Real>
void LinearPlusNetwork<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  if (has_linear_) std::ranges::fill(block_of(theta, linear_), 0.0);
  if (network_) network_->initialise(seed, theta);
}

template <class Real>
std::span<double> LinearPlusNetwork<Real>::linear_in(std::span<double> theta) const {
  return has_linear_ ? block_of(theta, linear_) : std::span<double>();
}

template <class Real>
std::size_t LinearPlusNetwork<Real>::coefficient_count() const {
  return linear_size() + (network_ ? network_->coefficient_count() : 0);
}

template <class Real>
void LinearPlusNetwork<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  if (has_linear_) std::ranges::copy(block_of(theta, linear_), c.begin());
  if (network_) network_->assemble(theta, c.subspan(linear_size()));
}

template <class Real>
void LinearPlusNetwork<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                           std::span<double> theta_bar) const {
  if (has_linear_ && !linear_frozen_) {
    const auto bar = block_of(theta_bar, linear_);
    for (std::size_t i = 0; i < bar.size(); ++i) bar[i] += c_bar[i];
  }
  if (network_ && !network_frozen_) network_->assemble_vjp(theta, c_bar.subspan(linear_size()), theta_bar);
}

template <class Real>
void LinearPlusNetwork<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                           std::span<double> c_dot) const {
  if (has_linear_) std::ranges::copy(block_of(theta_dot, linear_), c_dot.begin());
  if (network_) network_->assemble_jvp(theta, theta_dot, c_dot.subspan(linear_size()));
}

template <class Real>
void LinearPlusNetwork<Real>::apply(const ExecSpace& space, const Value& value,
                                    Scratch<Real>& scratch) const {
  if (has_linear_) gemm(space, 1.0, linear(value.coefficients), Transpose::no, value.x.stack(), 1.0, value.y);
  if (!network_) return;
  Value inner = value;
  inner.coefficients = network_part(value.coefficients);
  network_->apply(space, inner, scratch);
}

template <class Real>
void LinearPlusNetwork<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                        Scratch<Real>& scratch) const {
  if (has_linear_) {
    gemm(space, 1.0, linear(reverse.coefficients), Transpose::yes, reverse.y_bar, 1.0, reverse.x_bar.u);
    if (reverse.coefficients_bar.extent(0) > 0 && !linear_frozen_)
      gemm_nt(space, 1.0, reverse.y_bar, reverse.x.stack(),
              MatrixView<Real>(reverse.coefficients_bar.data(), shape_.outputs, shape_.inputs));
  }
  if (!network_) return;
  Reverse inner = reverse;
  inner.coefficients = network_part(reverse.coefficients);
  inner.coefficients_bar = network_bar(reverse.coefficients_bar);
  network_->apply_vjp(space, inner, scratch);
}

template <class Real>
void LinearPlusNetwork<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                        Scratch<Real>& scratch) const {
  if (has_linear_) {
    gemm(space, 1.0, linear(tangent.coefficients), Transpose::no, tangent.x_dot.stack(), 1.0, tangent.y_dot);
    if (tangent.coefficients_dot.extent(0) > 0)
      gemm(space, 1.0, linear(tangent.coefficients_dot), Transpose::no, tangent.x.stack(), 1.0,
           tangent.y_dot);
  }
  if (!network_) return;
  Tangent inner = tangent;
  inner.coefficients = network_part(tangent.coefficients);
  inner.coefficients_dot = network_part(tangent.coefficients_dot);
  network_->apply_jvp(space, inner, scratch);
}

template <class Real>
void LinearPlusNetwork<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                            Scratch<Real>& scratch) const {
  if (has_linear_) {
    gemm(space, 1.0, linear(reverse.coefficients), Transpose::yes, reverse.y_dot_bar, 1.0,
         reverse.x_dot_bar.u);
    if (reverse.coefficients_bar.extent(0) > 0 && !linear_frozen_)
      gemm_nt(space, 1.0, reverse.y_dot_bar, reverse.x_dot.stack(),
              MatrixView<Real>(reverse.coefficients_bar.data(), shape_.outputs, shape_.inputs));
  }
  if (!network_) return;
  TangentReverse inner = reverse;
  inner.coefficients = network_part(reverse.coefficients);
  inner.coefficients_bar = network_bar(reverse.coefficients_bar);
  network_->apply_jvp_vjp(space, inner, scratch);
}

template <class Real>
void LinearPlusNetwork<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                            Scratch<Real>& scratch) const {
  if (has_linear_)
    gemm(space, 1.0, linear(tangent.coefficients_dot), Transpose::no, tangent.x_dot.stack(), 1.0,
         tangent.y_dot_dot);
  if (!network_) return;
  TangentTangent inner = tangent;
  inner.coefficients = network_part(tangent.coefficients);
  inner.coefficients_dot = network_part(tangent.coefficients_dot);
  network_->apply_jvp_jvp(space, inner, scratch);
}

template class LinearPlusNetwork<double>;
template class LinearPlusNetwork<float>;

}  // namespace spnode::core
