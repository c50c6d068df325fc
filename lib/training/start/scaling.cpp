#include "training/start/scaling.hpp"

#include "core/support/error.hpp"
#include "training/start/statistics.hpp"

#include <cmath>
#include <string>

namespace spnode::training {

namespace {

/// Deviations that are only rounding of the mean do not scale anything.
double usable(double deviation, double mean) { return deviation > 1e-12 * std::abs(mean) ? deviation : 1.0; }

/// One value for all components, or one each.
std::vector<double> spread(const std::vector<double>& given, std::size_t components, double otherwise,
                           const char* option) {
  if (given.empty()) return std::vector<double>(components, otherwise);
  if (given.size() == 1) return std::vector<double>(components, given.front());
  if (given.size() != components)
    throw UsageError(std::string(option) + " has " + std::to_string(given.size()) +
                     " values; the states have " + std::to_string(components) + " components");
  return given;
}

}  // namespace

core::Scaling make_scaling(const parallel::Communicator& comm, const core::ScalingOptions& options,
                           const DataSet& train) {
  const Moments moments = component_moments(comm, train);
  const std::size_t m = moments.mean.size();
  switch (options.kind) {
    case core::ScalingKind::manual:
      return {spread(options.shift, m, 0.0, "scaling.shift"), spread(options.scale, m, 1.0, "scaling.scale")};
    case core::ScalingKind::global: {
      const Moments all = pooled(moments);
      return {std::vector<double>(m, all.mean[0]),
              std::vector<double>(m, usable(all.deviation[0], all.mean[0]))};
    }
    case core::ScalingKind::component: {
      std::vector<double> scale(m);
      for (std::size_t i = 0; i < m; ++i) scale[i] = usable(moments.deviation[i], moments.mean[i]);
      return {moments.mean, scale};
    }
    case core::ScalingKind::none:
      break;
  }
  return {std::vector<double>(m, 0.0), std::vector<double>(m, 1.0)};
}

std::vector<double> component_weights(const parallel::Communicator& comm, core::ComponentWeights kind,
                                      const core::Scaling& scaling, const DataSet& train) {
  if (kind == core::ComponentWeights::none) return {};
  const Moments moments = component_moments(comm, train);
  std::vector<double> weights(moments.mean.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double deviation = usable(moments.deviation[i], moments.mean[i]) / scaling.scale[i];
    weights[i] = 1.0 / (deviation * deviation);
  }
  return weights;
}

}  // namespace spnode::training
