#include "core/components/potential.hpp"

#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::core {
namespace {

NetworkOptions force_options(const PotentialOptions& options) {
  NetworkOptions network;
  network.hidden = {options.neurons};
  network.activation = options.activation;
  return network;
}

}  // namespace

template <class Real>
Potential<Real>::Potential(TermShape shape, const PotentialOptions& options, std::string name)
    : shape_(shape),
      options_(options),
      name_(std::move(name)),
      force_(columns(), shape.outputs, force_options(options), typename Network<Real>::Role{name_}) {
  ParameterLayout own;  // the network's parameters are ours in another form
  force_.declare(own);
}

template <class Real>
void Potential<Real>::declare(ParameterLayout& layout) {
  const std::size_t H = options_.neurons;
  W_ = {name_ + "/W", {H, columns()}, "weights (neurons, inputs) of the potential"};
  b_ = {name_ + "/b", {H}, "bias"};
  w_ = {name_ + "/w", {H}, "weights of the neurons in the potential"};
  metric_ = {name_ + "/metric",
             {shape_.outputs},
             "factor of each component of the gradient in scaled coordinates",
             ParameterGroup::dynamics,
             true};
  for (ParameterBlock* block : {&W_, &b_, &w_, &metric_}) block->offset = layout.add(*block);
}

template <class Real>
void Potential<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  const auto draw = [&](const ParameterBlock& block, double fan_in) {
    const Random random(seed, block.name);
    const auto values = block_of(theta, block);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = options_.initial_scale / std::sqrt(fan_in) * random.normal(i);
  };
  draw(W_, double(columns()));
  draw(w_, double(options_.neurons));
  std::ranges::fill(block_of(theta, b_), 0.0);
  std::ranges::fill(block_of(theta, metric_), 1.0);
}

// With x = shift + scale z, and y scaled as v in u = [x; v] or as x itself: d z'_i / dt is
// -(1 / (scale_i of x, scale_i of y)) dV / dz_i.
template <class Real>
void Potential<Real>::set_scaling(const Scaling& scaling, std::span<double> theta) const {
  const auto metric = block_of(theta, metric_);
  const std::size_t last = shape_.states - shape_.outputs;
  double mean = 0.0;
  for (std::size_t i = 0; i < metric.size(); ++i) {
    metric[i] = 1.0 / (scaling.scale[i] * scaling.scale[last + i]);
    mean += std::log(metric[i]) / double(metric.size());
  }
  // A common factor is the potential's matter.
  for (double& factor : metric) factor /= std::exp(mean);
}

template <class Real>
void Potential<Real>::scale_value(double factor, std::span<double> theta) const {
  scale_block(factor, theta, w_);
}

template <class Real>
void Potential<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  const std::size_t H = options_.neurons, N = columns();
  const auto W = block_of(theta, W_), b = block_of(theta, b_), w = block_of(theta, w_),
             metric = block_of(theta, metric_);
  std::vector<double> force(c.size(), 0.0);
  std::ranges::copy(W, force.begin());
  std::ranges::copy(b, force.begin() + std::ptrdiff_t(W.size()));
  const auto second = std::span(force).subspan(W.size() + H);
  for (std::size_t i = 0; i < outputs(); ++i)
    for (std::size_t h = 0; h < H; ++h) second[i * H + h] = -metric[i] * w[h] * W[h * N + i];
  force_.assemble(force, c);
}

template <class Real>
void Potential<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                   std::span<double> theta_bar) const {
  const std::size_t H = options_.neurons, N = columns();
  const auto W = block_of(theta, W_), w = block_of(theta, w_), metric = block_of(theta, metric_);
  const auto W_bar = block_of(theta_bar, W_), b_bar = block_of(theta_bar, b_),
             w_bar = block_of(theta_bar, w_);
  std::vector<double> force_bar(c_bar.size(), 0.0);
  force_.assemble_vjp({}, c_bar, force_bar);
  for (std::size_t i = 0; i < W.size(); ++i) W_bar[i] += force_bar[i];
  for (std::size_t h = 0; h < H; ++h) b_bar[h] += force_bar[W.size() + h];
  const auto second_bar = std::span(force_bar).subspan(W.size() + H);
  for (std::size_t i = 0; i < outputs(); ++i)
    for (std::size_t h = 0; h < H; ++h) {
      const double bar = -metric[i] * second_bar[i * H + h];
      W_bar[h * N + i] += bar * w[h];
      w_bar[h] += bar * W[h * N + i];
    }
}

template <class Real>
void Potential<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                   std::span<double> c_dot) const {
  const std::size_t H = options_.neurons, N = columns();
  const auto W = block_of(theta, W_), w = block_of(theta, w_), metric = block_of(theta, metric_),
             W_dot = block_of(theta_dot, W_), w_dot = block_of(theta_dot, w_);
  std::vector<double> force_dot(c_dot.size(), 0.0);
  std::ranges::copy(W_dot, force_dot.begin());
  std::ranges::copy(block_of(theta_dot, b_), force_dot.begin() + std::ptrdiff_t(W.size()));
  const auto second_dot = std::span(force_dot).subspan(W.size() + H);
  for (std::size_t i = 0; i < outputs(); ++i)
    for (std::size_t h = 0; h < H; ++h)
      second_dot[i * H + h] = -metric[i] * (w_dot[h] * W[h * N + i] + w[h] * W_dot[h * N + i]);
  force_.assemble_jvp({}, force_dot, c_dot);
}

template <class Real>
void Potential<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  force_.apply(space, {value.coefficients, position(value.x), value.y, value.tape}, scratch);
}

template <class Real>
void Potential<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                Scratch<Real>& scratch) const {
  Reverse inner = reverse;
  inner.x = position(reverse.x);
  inner.x_bar = position(reverse.x_bar);
  force_.apply_vjp(space, inner, scratch);
}

template <class Real>
void Potential<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                Scratch<Real>& scratch) const {
  Tangent inner = tangent;
  inner.x = position(tangent.x);
  inner.x_dot = position(tangent.x_dot);
  force_.apply_jvp(space, inner, scratch);
}

template <class Real>
void Potential<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                    Scratch<Real>& scratch) const {
  TangentReverse inner = reverse;
  inner.x = position(reverse.x);
  inner.x_dot = position(reverse.x_dot);
  inner.x_bar = position(reverse.x_bar);
  inner.x_dot_bar = position(reverse.x_dot_bar);
  force_.apply_jvp_vjp(space, inner, scratch);
}

template <class Real>
void Potential<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                    Scratch<Real>& scratch) const {
  TangentTangent inner = tangent;
  inner.x = position(tangent.x);
  inner.x_dot = position(tangent.x_dot);
  force_.apply_jvp_jvp(space, inner, scratch);
}

template class Potential<double>;
template class Potential<float>;

}  // namespace spnode::core
