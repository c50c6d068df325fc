#include "core/components/convolution.hpp"

#include "core/components/fourier_modes.hpp"
#include "core/support/option.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::core {
namespace {

void require_modes(const TermShape& shape) {
  require_option(shape.states == shape.outputs, {"nonlinear", "order"},
                 "names convolution, which needs order: 1");
  require_option(
      shape.states % 2 == 1, {"nonlinear", "latent_dimension"},
      "names convolution, which needs an odd number of Fourier modes; found " + std::to_string(shape.states));
}

NetworkOptions network_options(const ConvolutionOptions& options, std::size_t points) {
  NetworkOptions network;
  network.hidden = {options.channels * points};
  network.activation = options.activation;
  return network;
}

/// D = Z G^T (states, points), linear in the multiplier z (states) whose pairs (x, y) are the blocks [x, -y;
/// y, x] of Z; of Z^T with the sense -1. Entries are put and got by a function of (state, point).
struct Multiplier {
  const std::vector<double>& modes;  // G^T
  std::size_t states, points;
  double sense;

  void apply(std::span<const double> z, auto put) const {
    for (std::size_t j = 0; j < points; ++j) {
      for (std::size_t i = 0; i + 1 < states; i += 2) {
        const double cosine = modes[i * points + j], sine = modes[(i + 1) * points + j];
        put(i, j, z[i] * cosine - sense * z[i + 1] * sine);
        put(i + 1, j, sense * z[i + 1] * cosine + z[i] * sine);
      }
      put(states - 1, j, z[states - 1] * modes[(states - 1) * points + j]);
    }
  }

  /// z_bar += the adjoint.
  void apply_vjp(auto get, std::span<double> z_bar) const {
    for (std::size_t j = 0; j < points; ++j) {
      for (std::size_t i = 0; i + 1 < states; i += 2) {
        const double cosine = modes[i * points + j], sine = modes[(i + 1) * points + j];
        z_bar[i] += cosine * get(i, j) + sine * get(i + 1, j);
        z_bar[i + 1] += sense * (cosine * get(i + 1, j) - sine * get(i, j));
      }
      z_bar[states - 1] += modes[(states - 1) * points + j] * get(states - 1, j);
    }
  }
};

}  // namespace

template <class Real>
Convolution<Real>::Convolution(TermShape shape, const ConvolutionOptions& options, std::string name)
    : shape_(shape),
      options_(options),
      name_(std::move(name)),
      points_(3 * (shape.states / 2) + 1),
      modes_(fourier_modes(shape.states, points_)),
      network_(columns(), shape.outputs, network_options(options, points_),
               typename Network<Real>::Role{name_}) {
  require_modes(shape);
  ParameterLayout own;  // the network's parameters are ours in another form
  network_.declare(own);
}

template <class Real>
void Convolution<Real>::declare(ParameterLayout& layout) {
  const std::size_t H = options_.channels;
  P_ = {name_ + "/P", {H, shape_.states}, "multipliers of the modes before the activation"};
  R_ = {name_ + "/R", {H, shape_.states}, "multipliers of the modes behind the activation"};
  a_ = {name_ + "/a", {H, shape_.arguments}, "weights of the arguments"};
  b_ = {name_ + "/b", {H}, "bias"};
  for (ParameterBlock* block : {&P_, &R_, &b_}) block->offset = layout.add(*block);
  if (shape_.arguments > 0) a_.offset = layout.add(a_);
}

// Every channel starts with the field itself, times a number.
template <class Real>
void Convolution<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  const std::size_t H = options_.channels, n = shape_.states;
  const auto P = block_of(theta, P_), R = block_of(theta, R_), a = block_of(theta, a_),
             b = block_of(theta, b_);
  const Random before(seed, P_.name), behind(seed, R_.name), weights(seed, a_.name), bias(seed, b_.name);
  for (std::size_t h = 0; h < H; ++h) {
    const double factor = options_.initial_scale * before.normal(h);
    for (std::size_t i = 0; i < n; ++i) P[h * n + i] = i + 1 == n || i % 2 == 0 ? factor : 0.0;
    b[h] = options_.initial_scale * bias.normal(h);
  }
  const double size = options_.initial_scale / std::sqrt(double(H));
  for (std::size_t i = 0; i < R.size(); ++i) R[i] = size * behind.normal(i);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = options_.initial_scale * weights.normal(i);
}

template <class Real>
void Convolution<Real>::scale_value(double factor, std::span<double> theta) const {
  scale_block(factor, theta, R_);
}

template <class Real>
void Convolution<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  const std::size_t n = shape_.states, m = points_, N = columns(), width = hidden();
  std::vector<double> own(c.size(), 0.0);
  const auto W = std::span(own).first(width * N), b = std::span(own).subspan(W.size(), width),
             second = std::span(own).subspan(W.size() + width);
  const Multiplier before{modes_, n, m, -1.0}, behind{modes_, n, m, 1.0};
  for (std::size_t h = 0; h < options_.channels; ++h) {
    before.apply(block_of(theta, P_).subspan(h * n, n),
                 [&](std::size_t i, std::size_t j, double value) { W[(h * m + j) * N + i] = value; });
    behind.apply(block_of(theta, R_).subspan(h * n, n),
                 [&](std::size_t i, std::size_t j, double value) { second[i * width + h * m + j] = value; });
    const auto a = block_of(theta, a_).subspan(h * shape_.arguments, shape_.arguments);
    for (std::size_t j = 0; j < m; ++j) {
      std::ranges::copy(a, W.begin() + std::ptrdiff_t((h * m + j) * N + n));
      b[h * m + j] = block_of(theta, b_)[h];
    }
  }
  network_.assemble(own, c);
}

template <class Real>
void Convolution<Real>::assemble_vjp(std::span<const double>, std::span<const double> c_bar,
                                     std::span<double> theta_bar) const {
  const std::size_t n = shape_.states, m = points_, N = columns(), width = hidden();
  std::vector<double> own_bar(c_bar.size(), 0.0);
  network_.assemble_vjp({}, c_bar, own_bar);
  const auto W_bar = std::span(own_bar).first(width * N),
             bias_bar = std::span(own_bar).subspan(W_bar.size(), width),
             second_bar = std::span(own_bar).subspan(W_bar.size() + width);
  const Multiplier before{modes_, n, m, -1.0}, behind{modes_, n, m, 1.0};
  const auto a_bar = block_of(theta_bar, a_), b_bar = block_of(theta_bar, b_);
  for (std::size_t h = 0; h < options_.channels; ++h) {
    before.apply_vjp([&](std::size_t i, std::size_t j) { return W_bar[(h * m + j) * N + i]; },
                     block_of(theta_bar, P_).subspan(h * n, n));
    behind.apply_vjp([&](std::size_t i, std::size_t j) { return second_bar[i * width + h * m + j]; },
                     block_of(theta_bar, R_).subspan(h * n, n));
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t k = 0; k < shape_.arguments; ++k)
        a_bar[h * shape_.arguments + k] += W_bar[(h * m + j) * N + n + k];
      b_bar[h] += bias_bar[h * m + j];
    }
  }
}

// The coefficients are linear in the parameters.
template <class Real>
void Convolution<Real>::assemble_jvp(std::span<const double>, std::span<const double> theta_dot,
                                     std::span<double> c_dot) const {
  assemble(theta_dot, c_dot);
}

template class Convolution<double>;
template class Convolution<float>;

}  // namespace spnode::core
