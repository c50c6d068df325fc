#include "core/components/network.hpp"

#include "core/components/lipschitz.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

template <class Real>
Network<Real>::Network(std::size_t inputs, std::size_t outputs, NetworkOptions options, Role role)
    : options_(std::move(options)), role_(std::move(role)) {
  widths_.push_back(inputs);
  for (const std::size_t width : options_.hidden) widths_.push_back(width);
  widths_.push_back(outputs);
}

template <class Real>
Network<Real>::Network(std::size_t inputs, std::size_t outputs, const LipschitzOptions& options, Role role)
    : Network(inputs, outputs, static_cast<const NetworkOptions&>(options), std::move(role)) {
  bound_ = options.bound;
  divisor_ = options.divisor;
}

template <class Real>
void Network<Real>::declare(ParameterLayout& layout) {
  const std::size_t p = widths_.size() - 1;
  for (std::size_t i = 0; i < p; ++i) {
    const std::size_t in = widths_[i], out = widths_[i + 1];
    const bool last = i + 1 == p;
    const std::string prefix = role_.name + "/layer" + std::to_string(i + 1);
    Layer layer{in,
                out,
                last && !options_.last_activation ? Activation::identity : options_.activation,
                {},
                {},
                coefficient_count_,
                tape_rows_,
                !last || options_.last_activation || options_.output_scale};
    layer.W = {prefix + "/W", {out, in}, "weights (outputs, inputs)", role_.group, role_.frozen};
    layer.b = {prefix + "/b", {out}, "bias", role_.group, role_.frozen};
    layer.W.offset = layout.add(layer.W);
    layer.b.offset = layout.add(layer.b);
    coefficient_count_ += out * in + out;
    if (layer.on_tape) tape_rows_ += out;
    layers_.push_back(std::move(layer));
  }
  if (!options_.output_scale) return;
  scale_ = {role_.name + "/scale", {outputs()}, "factor of each output", role_.group, role_.frozen};
  scale_.offset = layout.add(scale_);
  scale_kappa_ = coefficient_count_;
  coefficient_count_ += outputs();
}

template <class Real>
void Network<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  for (const Layer& layer : layers_) {
    const Random random(seed, layer.W.name);
    const bool last = &layer == &layers_.back();
    const double scale =
        options_.initial_scale * (last ? role_.last_layer_scale : 1.0) / std::sqrt(double(layer.inputs));
    const auto W = block_of(theta, layer.W);
    for (std::size_t i = 0; i < W.size(); ++i) W[i] = scale * random.normal(i);
    std::ranges::fill(block_of(theta, layer.b), 0.0);
  }
  if (options_.output_scale) std::ranges::fill(block_of(theta, scale_), 1.0);
}

template <class Real>
double Network<Real>::layer_bound() const {
  return bound_ > 0.0 ? std::pow(bound_, 1.0 / double(layers_.size())) : 0.0;
}

template <class Real>
void Network<Real>::assemble(std::span<const double> theta, std::span<double> kappa) const {
  for (const Layer& layer : layers_) {
    const auto W = block_of(theta, layer.W), b = block_of(theta, layer.b);
    const auto B = kappa.subspan(layer.kappa, W.size());
    if (bound_ > 0.0)
      LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.assemble(W, B);
    else
      std::ranges::copy(W, B.begin());
    std::ranges::copy(b, kappa.begin() + std::ptrdiff_t(layer.kappa + W.size()));
  }
  if (options_.output_scale)
    std::ranges::copy(block_of(theta, scale_), kappa.begin() + std::ptrdiff_t(scale_kappa_));
}

template <class Real>
void Network<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                                 std::span<double> theta_bar) const {
  const auto add = [](std::span<const double> from, std::span<double> to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
  };
  for (const Layer& layer : layers_) {
    const auto W_bar = block_of(theta_bar, layer.W);
    const auto B_bar = kappa_bar.subspan(layer.kappa, W_bar.size());
    if (bound_ > 0.0)
      LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.assemble_vjp(
          block_of(theta, layer.W), B_bar, W_bar);
    else
      add(B_bar, W_bar);
    add(kappa_bar.subspan(layer.kappa + W_bar.size(), layer.outputs), block_of(theta_bar, layer.b));
  }
  if (options_.output_scale) add(kappa_bar.subspan(scale_kappa_, outputs()), block_of(theta_bar, scale_));
}

template <class Real>
void Network<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                 std::span<double> kappa_dot) const {
  for (const Layer& layer : layers_) {
    const auto W_dot = block_of(theta_dot, layer.W);
    const auto B_dot = kappa_dot.subspan(layer.kappa, W_dot.size());
    if (bound_ > 0.0)
      LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.assemble_jvp(
          block_of(theta, layer.W), W_dot, B_dot);
    else
      std::ranges::copy(W_dot, B_dot.begin());
    std::ranges::copy(block_of(theta_dot, layer.b),
                      kappa_dot.begin() + std::ptrdiff_t(layer.kappa + W_dot.size()));
  }
  if (options_.output_scale)
    std::ranges::copy(block_of(theta_dot, scale_), kappa_dot.begin() + std::ptrdiff_t(scale_kappa_));
}

template <class Real>
ConstMatrixView<Real> Network<Real>::weights(const Layer& layer, const ConstVectorView<Real>& kappa) const {
  return ConstMatrixView<Real>(kappa.data() + layer.kappa, layer.outputs, layer.inputs);
}

template <class Real>
ConstVectorView<Real> Network<Real>::bias(const Layer& layer, const ConstVectorView<Real>& kappa) const {
  return ConstVectorView<Real>(kappa.data() + layer.kappa + layer.outputs * layer.inputs, layer.outputs);
}

template <class Real>
ConstMatrixView<Real> Network<Real>::input_of(std::size_t layer, const ConstMatrixView<Real>& x,
                                              const ConstMatrixView<Real>& tape) const {
  return layer == 0 ? x : rows_of(tape, layers_[layer - 1].tape_row, layers_[layer - 1].outputs);
}

template <class Real>
void Network<Real>::apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x,
                          MatrixView<Real> y, MatrixView<Real> tape, Scratch<Real>&) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const MatrixView<Real> out = layer.on_tape ? rows_of(tape, layer.tape_row, layer.outputs) : y;
    gemm(space, 1.0, weights(layer, kappa), Transpose::no, input_of(i, x, tape), layer.on_tape ? 0.0 : 1.0,
         out);
    add_bias_and_activate(space, layer.activation, bias(layer, kappa), out);
  }
  if (!layers_.back().on_tape) return;
  const ConstMatrixView<Real> last = rows_of(tape, layers_.back().tape_row, outputs());
  if (options_.output_scale)
    add_scaled_rows(space, ConstVectorView<Real>(kappa.data() + scale_kappa_, outputs()), last, y);
  else
    axpy(space, 1.0, last, y);
}

template <class Real>
void Network<Real>::affine_vjp(const ExecSpace& space, const Reverse& reverse, std::size_t i,
                               ConstMatrixView<Real> out_bar, MatrixView<Real> in_bar, double beta) const {
  const Layer& layer = layers_[i];
  gemm(space, 1.0, weights(layer, reverse.kappa), Transpose::yes, out_bar, beta, in_bar);
  if (reverse.kappa_bar.extent(0) == 0) return;
  Real* const bar = reverse.kappa_bar.data() + layer.kappa;
  gemm_nt(space, 1.0, out_bar, input_of(i, reverse.x, reverse.tape),
          MatrixView<Real>(bar, layer.outputs, layer.inputs));
  add_row_sums(space, out_bar, VectorView<Real>(bar + layer.outputs * layer.inputs, layer.outputs));
}

template <class Real>
void Network<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.extent(1), p = layers_.size();
  ConstMatrixView<Real> out_bar = reverse.y_bar;
  if (layers_.back().on_tape) {
    const MatrixView<Real> bar = scratch.matrix(outputs(), lanes);
    const ConstMatrixView<Real> last = rows_of(reverse.tape, layers_.back().tape_row, outputs());
    scaled_copy(space, 1.0, reverse.y_bar, bar);
    if (options_.output_scale) {
      if (reverse.kappa_bar.extent(0) > 0)
        add_row_products(space, reverse.y_bar, last,
                         VectorView<Real>(reverse.kappa_bar.data() + scale_kappa_, outputs()));
      scale_rows(space, ConstVectorView<Real>(reverse.kappa.data() + scale_kappa_, outputs()), bar);
    }
    activate_vjp(space, layers_.back().activation, last, bar);
    out_bar = bar;
  }
  for (std::size_t i = p - 1; i > 0; --i) {
    const MatrixView<Real> in_bar = scratch.matrix(layers_[i].inputs, lanes);
    affine_vjp(space, reverse, i, out_bar, in_bar, 0.0);
    activate_vjp(space, layers_[i - 1].activation, input_of(i, reverse.x, reverse.tape), in_bar);
    out_bar = in_bar;
  }
  affine_vjp(space, reverse, 0, out_bar, reverse.x_bar, 1.0);
}

template <class Real>
void Network<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.extent(1);
  ConstMatrixView<Real> in_dot = tangent.x_dot;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const MatrixView<Real> out_dot = scratch.matrix(layer.outputs, lanes);
    gemm(space, 1.0, weights(layer, tangent.kappa), Transpose::no, in_dot, 0.0, out_dot);
    gemm(space, 1.0, weights(layer, tangent.kappa_dot), Transpose::no, input_of(i, tangent.x, tangent.tape),
         1.0, out_dot);
    add_bias_and_activate(space, Activation::identity, bias(layer, tangent.kappa_dot), out_dot);
    if (layer.on_tape)
      activate_vjp(space, layer.activation, rows_of(tangent.tape, layer.tape_row, layer.outputs), out_dot);
    in_dot = out_dot;
  }
  if (!options_.output_scale) {
    axpy(space, 1.0, in_dot, tangent.y_dot);
    return;
  }
  const ConstMatrixView<Real> last = rows_of(tangent.tape, layers_.back().tape_row, outputs());
  add_scaled_rows(space, ConstVectorView<Real>(tangent.kappa.data() + scale_kappa_, outputs()), in_dot,
                  tangent.y_dot);
  add_scaled_rows(space, ConstVectorView<Real>(tangent.kappa_dot.data() + scale_kappa_, outputs()), last,
                  tangent.y_dot);
}

template class Network<double>;
template class Network<float>;

}  // namespace spnode::core
