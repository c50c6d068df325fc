#include "training/start/scaling.hpp"

#include "core/integrators/rollout_steps.hpp"
#include "core/support/option.hpp"
#include "core/support/stored_precision.hpp"
#include "core/support/text.hpp"
#include "parallel/count.hpp"
#include "training/start/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace spnode::training {

namespace {

/// Deviations of what is constant are made so small, whatever the unit, that they do not hide in the loss
/// what is learned of the others; zero ones do not scale anything.
double usable(double deviation, bool constant) {
  if (!constant) return deviation;
  return deviation > 0.0 ? 1e6 * deviation : 1.0;
}

double usable(const Moments& moments, std::size_t component) {
  return usable(moments.deviation[component], moments.constant(component).has_value());
}

/// One value for all components, or one each.
std::vector<double> spread(const std::vector<double>& given, std::size_t components, double otherwise,
                           const char* option) {
  if (given.empty()) return std::vector<double>(components, otherwise);
  if (given.size() == 1) return std::vector<double>(components, given.front());
  if (given.size() != components)
    throw OptionError({option}, "has " + std::to_string(given.size()) + " values; the states have " +
                                    std::to_string(components) + " components");
  return given;
}

/// Of the data and their images under the group, with the same bits for all components of an orbit.
Moments with_images(const Moments& data, const core::Symmetries& symmetries) {
  Moments all = data;
  const double count = static_cast<double>(symmetries.count());
  for (std::size_t i = 0; i < data.mean.size(); ++i) {
    if (symmetries.fixes(i)) continue;
    all.rest[i] = 0.0;
    const auto [first, sign] = symmetries.representatives()[i];
    if (first < i) {
      all.mean[i] = double(sign) * all.mean[first];
      all.deviation[i] = all.deviation[first];
      all.epsilon[i] = all.epsilon[first];
      continue;
    }
    double mean = 0.0, variance = 0.0;
    for (std::size_t e = 0; e < symmetries.count(); ++e) {
      const auto& image = symmetries.element(e)[i];
      mean += double(image.sign) * data.mean[image.source] / count;
      all.epsilon[i] = std::min(all.epsilon[i], data.epsilon[image.source]);
    }
    all.mean[i] = symmetries.flips(i) ? 0.0 : mean;
    for (std::size_t e = 0; e < symmetries.count(); ++e) {
      const auto& image = symmetries.element(e)[i];
      const double shift = double(image.sign) * data.mean[image.source] - all.mean[i];
      variance += (data.deviation[image.source] * data.deviation[image.source] + shift * shift) / count;
    }
    all.deviation[i] = std::sqrt(variance);
  }
  return all;
}

void require_symmetric(const core::Scaling& scaling, const core::Symmetries& symmetries) {
  for (std::size_t e = 0; e < symmetries.count(); ++e)
    for (std::size_t i = 0; i < scaling.shift.size(); ++i) {
      const auto& image = symmetries.element(e)[i];
      const auto require = [&](double found, double other, const char* option) {
        require_option(found == other, {option},
                       "must not change under the symmetries of the model; found " + shortest(found) +
                           " for component " + std::to_string(i) + " and " + shortest(other) +
                           " for its image, from component " + std::to_string(image.source));
      };
      require(scaling.shift[i], double(image.sign) * scaling.shift[image.source], "shift");
      require(scaling.scale[i], scaling.scale[image.source], "scale");
    }
}

core::Scaling global_scaling(const Moments& moments, const core::Symmetries* symmetries) {
  const std::size_t m = moments.mean.size();
  Moments all = pooled(moments);
  if (symmetries != nullptr && symmetries->has_signs()) {  // which one shift for all would break
    all.deviation[0] = std::hypot(all.deviation[0], all.mean[0]);
    all.mean[0] = 0.0;
  }
  const bool varies = core::varies(all.deviation[0], all.mean[0], all.epsilon[0]);
  return {std::vector<double>(m, all.mean[0]), std::vector<double>(m, usable(all.deviation[0], !varies))};
}

}  // namespace

core::Scaling make_scaling(const parallel::Communicator& comm, const core::ScalingOptions& options,
                           const DataSet& train, const core::Symmetries* symmetries) {
  const std::size_t m = train.data.held().components;
  const auto moments_of_states = [&] {
    const Moments moments = component_moments(comm, train);
    return symmetries != nullptr ? with_images(moments, *symmetries) : moments;
  };
  switch (options.kind) {
    case core::ScalingKind::manual: {
      core::Scaling given{spread(options.shift, m, 0.0, "shift"), spread(options.scale, m, 1.0, "scale")};
      if (symmetries != nullptr) require_symmetric(given, *symmetries);
      return given;
    }
    case core::ScalingKind::global:
      return global_scaling(moments_of_states(), symmetries);
    case core::ScalingKind::component: {
      const Moments moments = moments_of_states();
      std::vector<double> shift(m), scale(m);
      for (std::size_t i = 0; i < m; ++i) {
        shift[i] = moments.constant(i).value_or(moments.mean[i]);
        scale[i] = usable(moments, i);
      }
      return {shift, scale};
    }
    case core::ScalingKind::none:
      break;
  }
  return {std::vector<double>(m, 0.0), std::vector<double>(m, 1.0)};
}

core::Scaling make_argument_scaling(const parallel::Communicator& comm, const core::ArgumentOptions& options,
                                    const DataSet& train) {
  const std::size_t m = options.size();
  if (m == 0) return {};
  const core::Trajectories& held = train.data.held();
  const std::vector<double> zero(m, 0.0), one(m, 1.0);
  // Of the negative values, then of the values, so that one reduction finds both ends.
  std::vector<double> largest(2 * m, -std::numeric_limits<double>::infinity()), q(m);
  parallel::collectively(comm, [&] {
    core::ArgumentReader reader(options, {zero, one});
    reader.attach(held);
    for (std::size_t n = 0; n < held.count; ++n)
      for (std::size_t t = 0; t < held.times; ++t) {
        reader.read(n, held.time_at(n, t), q);
        for (std::size_t i = 0; i < m; ++i) {
          largest[i] = std::max(largest[i], -q[i]);
          largest[m + i] = std::max(largest[m + i], q[i]);
        }
      }
  });
  MPI_Allreduce(MPI_IN_PLACE, largest.data(), parallel::mpi_count(largest.size()), MPI_DOUBLE, MPI_MAX,
                comm.handle());
  core::Scaling scaling{std::vector<double>(m), std::vector<double>(m)};
  for (std::size_t i = 0; i < m; ++i) {
    const double low = -largest[i], high = largest[m + i];
    scaling.shift[i] = low + 0.5 * (high - low);
    const double half = 0.5 * (high - low);
    scaling.scale[i] =
        usable(half, !core::varies(half, scaling.shift[i], std::numeric_limits<double>::epsilon()));
  }
  return scaling;
}

std::vector<std::optional<double>> constant_components(const parallel::Communicator& comm,
                                                       const DataSet& train) {
  const Moments moments = component_moments(comm, train);
  std::vector<std::optional<double>> constants(moments.mean.size());
  for (std::size_t i = 0; i < constants.size(); ++i) constants[i] = moments.constant(i);
  return constants;
}

std::vector<double> component_weights(const parallel::Communicator& comm, core::ComponentWeights kind,
                                      const core::Scaling& scaling, const DataSet& train) {
  if (kind == core::ComponentWeights::none) return {};
  const Moments moments = component_moments(comm, train);
  std::vector<double> weights(moments.mean.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double deviation = usable(moments, i) / scaling.scale[i];
    weights[i] = 1.0 / (deviation * deviation);
  }
  return weights;
}

}  // namespace spnode::training
