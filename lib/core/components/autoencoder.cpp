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
void LinearPlusNetwork<Real>::set_linear(std::span<const double> matrix, std::span<double> theta) const {
  if (has_linear_) std::ranges::copy(matrix, block_of(theta, linear_).begin());
}

template <class Real>
std::size_t LinearPlusNetwork<Real>::coefficient_count() const {
  return linear_size() + (network_ ? network_->coefficient_count() : 0);
}

template <class Real>
void LinearPlusNetwork<Real>::assemble(std::span<const double> theta, std::span<double> kappa) const {
  if (has_linear_) std::ranges::copy(block_of(theta, linear_), kappa.begin());
  if (network_) network_->assemble(theta, kappa.subspan(linear_size()));
}

template <class Real>
void LinearPlusNetwork<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                                           std::span<double> theta_bar) const {
  if (has_linear_ && !linear_frozen_) {
    const auto bar = block_of(theta_bar, linear_);
    for (std::size_t i = 0; i < bar.size(); ++i) bar[i] += kappa_bar[i];
  }
  if (network_ && !network_frozen_)
    network_->assemble_vjp(theta, kappa_bar.subspan(linear_size()), theta_bar);
}

template <class Real>
void LinearPlusNetwork<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                           std::span<double> kappa_dot) const {
  if (has_linear_) std::ranges::copy(block_of(theta_dot, linear_), kappa_dot.begin());
  if (network_) network_->assemble_jvp(theta, theta_dot, kappa_dot.subspan(linear_size()));
}

template <class Real>
ConstMatrixView<Real> LinearPlusNetwork<Real>::linear(const ConstVectorView<Real>& kappa) const {
  return ConstMatrixView<Real>(kappa.data(), shape_.outputs, shape_.inputs);
}

template <class Real>
ConstVectorView<Real> LinearPlusNetwork<Real>::network_part(const ConstVectorView<Real>& kappa) const {
  return ConstVectorView<Real>(kappa.data() + linear_size(), network_->coefficient_count());
}

template <class Real>
void LinearPlusNetwork<Real>::apply(const ExecSpace& space, ConstVectorView<Real> kappa,
                                    ConstMatrixView<Real> x, MatrixView<Real> y, MatrixView<Real> tape,
                                    Scratch<Real>& scratch) const {
  if (has_linear_) gemm(space, 1.0, linear(kappa), Transpose::no, x, 1.0, y);
  if (network_) network_->apply(space, network_part(kappa), x, y, tape, scratch);
}

template <class Real>
void LinearPlusNetwork<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                        Scratch<Real>& scratch) const {
  const bool learns = reverse.kappa_bar.extent(0) > 0;
  if (has_linear_) {
    gemm(space, 1.0, linear(reverse.kappa), Transpose::yes, reverse.y_bar, 1.0, reverse.x_bar);
    if (learns && !linear_frozen_)
      gemm_nt(space, 1.0, reverse.y_bar, reverse.x,
              MatrixView<Real>(reverse.kappa_bar.data(), shape_.outputs, shape_.inputs));
  }
  if (!network_) return;
  Reverse inner = reverse;
  inner.kappa = network_part(reverse.kappa);
  inner.kappa_bar = learns && !network_frozen_ ? VectorView<Real>(reverse.kappa_bar.data() + linear_size(),
                                                                  network_->coefficient_count())
                                               : VectorView<Real>();
  network_->apply_vjp(space, inner, scratch);
}

template <class Real>
void LinearPlusNetwork<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                        Scratch<Real>& scratch) const {
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

template class LinearPlusNetwork<double>;
template class LinearPlusNetwork<float>;

}  // namespace spnode::core
