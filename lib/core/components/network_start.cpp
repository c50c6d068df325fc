// The parameters of a network that holds given functions.
#include "core/components/even_pairs.hpp"
#include "core/components/lipschitz.hpp"
#include "core/components/network.hpp"
#include "core/kernels/activation_functions.hpp"
#include "core/support/option.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace spnode::core {

std::vector<double> pair_directions(std::span<const double> rows, std::span<const double> moments,
                                    std::size_t n, std::size_t count) {
  const std::size_t m = rows.size() / n, all = m * (m + 1) / 2;
  std::vector<double> V(count * n);
  std::size_t first = 0, distance = 0;  // of the two rows that are added; one row at distance 0
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t of = count < m ? r * m / count : first;
    const double* const one = &rows[of * n];
    double* const v = &V[r * n];
    for (std::size_t j = 0; j < n; ++j)
      v[j] = distance == 0 ? one[j] : one[j] + rows[(of + distance) * n + j];
    if (++first + distance == m) first = 0, distance = (distance + 1) % m;
    double square = 0.0;
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = 0; k < n; ++k) square += v[j] * moments[j * n + k] * v[k];
    const double scale = square > 0.0 ? 0.2 * double(1 + r / all) / std::sqrt(square) : 0.0;
    for (std::size_t j = 0; j < n; ++j) v[j] *= scale;
  }
  return V;
}

template <class Real>
double Network<Real>::set_weights(const Layer& layer, std::span<const double> B,
                                  std::span<double> theta) const {
  const auto W = block_of(theta, layer.W);
  if (bound_ > 0.0) return LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.invert(B, W);
  std::ranges::copy(B, W.begin());
  return 1.0;
}

template <class Real>
std::size_t Network<Real>::pairs() const {
  const bool fits =
      layers_.size() == 2 && options_.activation == Activation::tanh && !options_.last_activation;
  return fits ? options_.hidden.front() / 2 : 0;
}

template <class Real>
void Network<Real>::set_directions(std::span<double> V, std::span<double> theta) const {
  const Layer& hidden = layers_.front();
  std::vector<double> B(hidden.outputs * hidden.inputs, 0.0);
  std::ranges::copy(V, B.begin());
  std::ranges::transform(V, B.begin() + std::ptrdiff_t(V.size()), std::negate<>());
  const double k = set_weights(hidden, B, theta);
  for (double& entry : V) entry /= k;
  std::ranges::fill(block_of(theta, hidden.b), pair_bias);
}

template <class Real>
double Network<Real>::set_outputs(std::span<const double> W, std::span<const double> b,
                                  std::span<double> theta) const {
  const Layer& last = layers_.back();
  const std::size_t count = W.size() / last.outputs;
  std::vector<double> B(last.outputs * last.inputs, 0.0);
  for (std::size_t i = 0; i < last.outputs; ++i)
    for (std::size_t r = 0; r < count; ++r)
      B[i * last.inputs + r] = B[i * last.inputs + count + r] = W[i * count + r];
  const double k = set_weights(last, B, theta);
  const auto bias = block_of(theta, last.b);
  for (std::size_t i = 0; i < last.outputs; ++i) {
    bias[i] = b[i];
    for (std::size_t r = 0; r < count; ++r) bias[i] -= 2.0 * std::tanh(pair_bias) * W[i * count + r];
    bias[i] /= k;
  }
  if (!options_.output_scale) return k;
  std::ranges::fill(block_of(theta, scale_), k);
  return 1.0;
}

template <class Real>
void Network<Real>::last_input_at(std::span<const double> theta, std::span<const double> x,
                                  std::span<double> values) const {
  std::vector<double> in(x.begin(), x.end()), out;
  for (const Layer& layer : layers_) {
    if (&layer == &layers_.back()) break;
    const auto W = block_of(theta, layer.W), b = block_of(theta, layer.b);
    out.assign(b.begin(), b.end());
    with_activation<double>(layer.activation, [&](auto function) {
      for (std::size_t i = 0; i < layer.outputs; ++i) {
        for (std::size_t j = 0; j < layer.inputs; ++j) out[i] += W[i * layer.inputs + j] * in[j];
        out[i] = function.value(out[i]);
      }
    });
    in.swap(out);
  }
  std::ranges::copy(in, values.begin());
}

template <class Real>
void Network<Real>::set_last_layer(std::span<const double> W, std::span<const double> b,
                                   std::span<double> theta) const {
  std::ranges::copy(W, block_of(theta, layers_.back().W).begin());
  set_last_bias(b, theta);
}

template <class Real>
void Network<Real>::set_squares(std::size_t variables, const char* option, std::span<double> theta) const {
  const Layer& hidden = layers_.front();
  if (layers_.size() != 2 || hidden.activation != Activation::square) return;
  const std::size_t needed = variables * (variables + 3) / 2;
  require_option(hidden.outputs >= needed, {option},
                 "has " + std::to_string(hidden.outputs) +
                     " neurons of squares; all quadratic functions of " + std::to_string(variables) +
                     " variables need " + std::to_string(needed));
  const auto W = block_of(theta, hidden.W), b = block_of(theta, hidden.b);
  std::ranges::fill(W, 0.0);
  std::ranges::fill(b, 0.0);
  std::size_t neuron = 0;
  for (std::size_t i = 0; i < variables; ++i)
    for (std::size_t j = i; j <= variables; ++j, ++neuron) {
      W[neuron * hidden.inputs + i] = 1.0;
      (j < variables ? W[neuron * hidden.inputs + j] : b[neuron]) = 1.0;
    }
}

template <class Real>
void Network<Real>::set_single_inputs(std::size_t first, std::size_t count, double weight,
                                      std::span<double> theta) const {
  const Layer& hidden = layers_.front();
  const auto W = block_of(theta, hidden.W), b = block_of(theta, hidden.b);
  for (std::size_t k = 0; k < count; ++k) {
    const std::span<double> row = W.subspan(k * hidden.inputs, hidden.inputs);
    std::ranges::fill(row, 0.0);
    row[first + k] = weight;
    b[k] = 0.0;
  }
}

template <class Real>
void Network<Real>::drop_inputs(std::size_t neurons, std::size_t first, std::size_t count,
                                std::span<double> theta) const {
  const Layer& hidden = layers_.front();
  const auto W = block_of(theta, hidden.W);
  for (std::size_t k = 0; k < neurons; ++k)
    std::ranges::fill(W.subspan(k * hidden.inputs + first, count), 0.0);
}

template <class Real>
void Network<Real>::set_layer(std::size_t i, std::span<const double> W, std::span<const double> b,
                              std::span<double> theta) const {
  std::ranges::copy(W, block_of(theta, layers_[i].W).begin());
  std::ranges::copy(b, block_of(theta, layers_[i].b).begin());
}

template <class Real>
void Network<Real>::set_centres(std::span<const std::size_t> used, std::span<const double> centres,
                                std::span<double> theta) const {
  const Layer& hidden = layers_.front();
  const auto W = block_of(theta, hidden.W), b = block_of(theta, hidden.b);
  for (std::size_t k = 0; k < hidden.outputs; ++k) {
    const std::span<double> row = W.subspan(k * hidden.inputs, hidden.inputs);
    b[k] = 0.0;
    for (std::size_t j = 0; j < used.size(); ++j) b[k] -= row[used[j]] * centres[k * used.size() + j];
    for (std::size_t j = 0; j < row.size(); ++j)
      if (std::ranges::find(used, j) == used.end()) row[j] = 0.0;
  }
}

template std::size_t Network<double>::pairs() const;
template std::size_t Network<float>::pairs() const;
template void Network<double>::set_directions(std::span<double>, std::span<double>) const;
template void Network<float>::set_directions(std::span<double>, std::span<double>) const;
template double Network<double>::set_outputs(std::span<const double>, std::span<const double>,
                                             std::span<double>) const;
template double Network<float>::set_outputs(std::span<const double>, std::span<const double>,
                                            std::span<double>) const;
template void Network<double>::last_input_at(std::span<const double>, std::span<const double>,
                                             std::span<double>) const;
template void Network<float>::last_input_at(std::span<const double>, std::span<const double>,
                                            std::span<double>) const;
template void Network<double>::set_last_layer(std::span<const double>, std::span<const double>,
                                              std::span<double>) const;
template void Network<float>::set_last_layer(std::span<const double>, std::span<const double>,
                                             std::span<double>) const;
template void Network<double>::set_squares(std::size_t, const char*, std::span<double>) const;
template void Network<float>::set_squares(std::size_t, const char*, std::span<double>) const;
template void Network<double>::set_single_inputs(std::size_t, std::size_t, double, std::span<double>) const;
template void Network<float>::set_single_inputs(std::size_t, std::size_t, double, std::span<double>) const;
template void Network<double>::drop_inputs(std::size_t, std::size_t, std::size_t, std::span<double>) const;
template void Network<float>::drop_inputs(std::size_t, std::size_t, std::size_t, std::span<double>) const;
template void Network<double>::set_layer(std::size_t, std::span<const double>, std::span<const double>,
                                         std::span<double>) const;
template void Network<float>::set_layer(std::size_t, std::span<const double>, std::span<const double>,
                                        std::span<double>) const;
template void Network<double>::set_centres(std::span<const std::size_t>, std::span<const double>,
                                           std::span<double>) const;
template void Network<float>::set_centres(std::span<const std::size_t>, std::span<const double>,
                                          std::span<double>) const;

}  // namespace spnode::core
