#include "core/model/lipschitz.hpp"

#include "core/kernels/row_sum.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::core {
namespace {

struct Norms {
  double one = 0.0, infinity = 0.0;  // largest absolute column and row sum
  std::size_t column = 0, row = 0;   // the first that attains it
};

Norms norms_of(const LipschitzLayer& layer, std::span<const double> W) {
  Norms norms;
  std::vector<double> columns(layer.inputs, 0.0);
  for (std::size_t i = 0; i < layer.outputs; ++i) {
    const double* const row = W.data() + i * layer.inputs;
    const double sum = row_sum<double>(layer.inputs, [row](std::size_t j) { return std::abs(row[j]); });
    if (sum > norms.infinity || std::isnan(sum)) norms.infinity = sum, norms.row = i;
    for (std::size_t j = 0; j < layer.inputs; ++j) columns[j] += std::abs(row[j]);
  }
  for (std::size_t j = 0; j < layer.inputs; ++j)
    if (columns[j] > norms.one || std::isnan(columns[j])) norms.one = columns[j], norms.column = j;
  return norms;
}

double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; }

// The directional derivative of s = sqrt(one infinity) is sum_ij g_ij W_dot_ij; calls visit(i, j, g_ij).
template <class Visit>
void for_each_gradient(const LipschitzLayer& layer, std::span<const double> W, const Norms& norms, double s,
                       Visit visit) {
  for (std::size_t i = 0; i < layer.outputs; ++i) {
    const std::size_t at = i * layer.inputs + norms.column;
    visit(at, norms.infinity * sign(W[at]) / (2.0 * s));
  }
  for (std::size_t j = 0; j < layer.inputs; ++j) {
    const std::size_t at = norms.row * layer.inputs + j;
    visit(at, norms.one * sign(W[at]) / (2.0 * s));
  }
}

}  // namespace

void LipschitzLayer::realise(std::span<const double> W, std::span<double> B) const {
  const Norms norms = norms_of(*this, W);
  const double s = std::max(1.0, std::sqrt(norms.one * norms.infinity));
  for (std::size_t i = 0; i < W.size(); ++i) B[i] = bound * W[i] / s;
}

void LipschitzLayer::realise_vjp(std::span<const double> W, std::span<const double> B_bar,
                                 std::span<double> W_bar) const {
  const Norms norms = norms_of(*this, W);
  const double s = std::max(1.0, std::sqrt(norms.one * norms.infinity));
  double inner = 0.0;
  for (std::size_t i = 0; i < W.size(); ++i) {
    W_bar[i] += bound * B_bar[i] / s;
    inner += B_bar[i] * W[i];
  }
  if (s <= 1.0) return;
  const double s_bar = -bound * inner / (s * s);
  for_each_gradient(*this, W, norms, s, [&](std::size_t at, double g) { W_bar[at] += s_bar * g; });
}

void LipschitzLayer::realise_jvp(std::span<const double> W, std::span<const double> W_dot,
                                 std::span<double> B_dot) const {
  const Norms norms = norms_of(*this, W);
  const double s = std::max(1.0, std::sqrt(norms.one * norms.infinity));
  double s_dot = 0.0;
  if (s > 1.0)
    for_each_gradient(*this, W, norms, s, [&](std::size_t at, double g) { s_dot += g * W_dot[at]; });
  for (std::size_t i = 0; i < W.size(); ++i) B_dot[i] = bound * (W_dot[i] - W[i] * s_dot / s) / s;
}

}  // namespace spnode::core
