#include "core/components/coupling_flow.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace spnode::core {
namespace {

/// ||[[a, b], [0, 1]]||_2.
double triangular_norm(double a, double b) {
  const double sum = a * a + b * b + 1.0;
  return std::sqrt(0.5 * (sum + std::sqrt(std::max(0.0, sum * sum - 4.0 * a * a))));
}

double norm(std::span<const double> x) {
  double squares = 0.0;
  for (const double entry : x) squares += entry * entry;
  return std::sqrt(squares);
}

}  // namespace

template <class Real>
CouplingFlow<Real>::CouplingFlow(std::size_t n, std::size_t parameters, const CouplingFlowOptions& options)
    : n_(n),
      parameters_(parameters),
      log_bound_(std::log(options.scale_bound)),
      initial_scale_(options.initial_scale) {
  require_option(n >= 2, {"enabled"}, "is true, which needs states of at least 2 components; found 1");
  require_option(options.split < n, {"split"},
                 "must be below the number of components, " + std::to_string(n) + "; found " +
                     std::to_string(options.split));
  const std::size_t split = options.split == 0 ? n / 2 : options.split;
  const auto coupling = [&](const std::string& name, std::size_t first, std::size_t count) {
    const std::size_t given = n - count, given_first = first == 0 ? count : 0;
    const auto conditioner = [&](const char* of) {
      return Conditioner<Real>({given, parameters, count, name + "/" + of}, options);
    };
    layers_.push_back({nullptr, std::make_unique<Coupling>(Coupling{first, count, given_first, given,
                                                                    conditioner("shift"), nullptr})});
    if (options.scale_bound > 1.0)
      layers_.back().coupling->scale = std::make_unique<Conditioner<Real>>(conditioner("scale"));
  };
  for (std::size_t k = 1; k <= options.layers; ++k) {
    const std::string name = "coupling_flow/layer" + std::to_string(k);
    if (options.affine_bound > 0.0)
      layers_.push_back(
          {std::make_unique<BilipschitzLayer>(n, options.affine_bound, name + "/affine"), nullptr});
    if (options.parts == CoupledParts::both) coupling(name + "/first", 0, split);
    coupling(name + "/second", split, n - split);
  }
}

template <class Real>
void CouplingFlow<Real>::declare(ParameterLayout& layout) {
  for (Layer& layer : layers_) {
    if (layer.affine) {
      layer.affine->declare(layout);
      continue;
    }
    layer.coupling->shift.declare(layout);
    if (layer.coupling->scale) layer.coupling->scale->declare(layout);
  }
}

template <class Real>
void CouplingFlow<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  for (const Layer& layer : layers_) {
    if (layer.affine) {
      layer.affine->initialise(seed, initial_scale_, theta);
      continue;
    }
    layer.coupling->shift.initialise(seed, theta);
    if (layer.coupling->scale) layer.coupling->scale->initialise(seed, theta);
  }
}

// With the scale's bound L, its logarithm k, and bounds l of slopes and N of norms of the conditioners, the
// Jacobian of a coupling is [[E, D], [0, I]] with ||E|| <= L; |D| <= k L R l_s + l_S forward, where |v| <= R.
template <class Real>
auto CouplingFlow<Real>::image(const Layer& layer, Direction direction, std::span<const double> theta,
                               double radius) const -> Ball {
  const bool forward = direction == Direction::to_latent;
  if (layer.affine) {
    const auto affine = forward ? BilipschitzLayer::Direction::forward : BilipschitzLayer::Direction::inverse;
    std::vector<double> coefficients(layer.affine->coefficient_count());
    layer.affine->assemble(affine, theta, coefficients);
    const double lipschitz = layer.affine->lipschitz(affine, theta);
    return {lipschitz, lipschitz * radius + norm(std::span<const double>(coefficients).subspan(n_ * n_))};
  }
  const double given = std::hypot(radius, std::sqrt(double(parameters_)));
  const auto shift = layer.coupling->shift.growth(theta, given);
  double L = 1.0, steepness = 0.0;  // of the scale, and k l_s
  if (layer.coupling->scale) {
    const auto scale = layer.coupling->scale->growth(theta, given);
    L = std::exp(log_bound_ * std::tanh(scale.norm));
    steepness = log_bound_ * scale.lipschitz;
  }
  if (forward) return {triangular_norm(L, L * radius * steepness + shift.lipschitz), L * radius + shift.norm};
  const double image = L * (radius + shift.norm);
  return {triangular_norm(L, image * steepness + L * shift.lipschitz), image};
}

template <class Real>
auto CouplingFlow<Real>::distortion(std::span<const double> theta, double radius) const -> Distortion {
  Distortion all{1.0, 1.0};
  const auto pass = [&](const Layer& layer, Direction direction, double& lipschitz) {
    const Ball ball = image(layer, direction, theta, radius);
    lipschitz *= ball.lipschitz;
    radius = ball.radius;
  };
  for (auto layer = layers_.begin(); layer != layers_.end(); ++layer)
    pass(*layer, Direction::to_latent, all.to_latent);
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer)
    pass(*layer, Direction::from_latent, all.from_latent);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!std::isfinite(all.to_latent)) all.to_latent = infinity;
  if (!std::isfinite(all.from_latent)) all.from_latent = infinity;
  return all;
}

template class CouplingFlow<double>;
template class CouplingFlow<float>;

}  // namespace spnode::core
