#include "training/start/statistics.hpp"

#include "core/support/error.hpp"
#include "core/support/stored_precision.hpp"
#include "core/support/text.hpp"
#include "parallel/count.hpp"
#include "parallel/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace spnode::training {

namespace {

/// Sums over the data set of power(component, x) for components [begin, end), of each trajectory that counts
/// here: (own, end - begin).
template <class Power>
std::vector<double> sums_of(const core::WindowData& data, const parallel::Range& own,
                            const parallel::Range& components, Power&& power) {
  const std::size_t width = components.size();
  std::vector<double> rows(own.size() * width, 0.0);
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < data.held().times; ++t)
      if (const std::size_t k = own.begin + n - data.first(); !data.held().is_missing(k, t))
        data.held().numbers_at(k, t).visit([&](const auto* state) {
          for (std::size_t c = components.begin; c < components.end; ++c)
            rows[n * width + c - components.begin] += power(c, double(state[c]));
        });
  return rows;
}

/// Sums over the data set of power(component, x), divided by the number of states that are not missing;
/// `own`: trajectories that count here. Collective.
template <class Power>
std::vector<double> mean_of(const parallel::Communicator& comm, const core::WindowData& data,
                            const parallel::Range& own, Power&& power) {
  // As many components at a time as keep the sums of all trajectories small.
  constexpr std::size_t numbers = std::size_t(1) << 22, fewest = 64;
  const std::size_t m = data.held().components,
                    trajectories = data.index().count() / data.index().per_trajectory(),
                    some = std::max(fewest, numbers / trajectories);
  std::uint64_t states = 0;
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < data.held().times; ++t)
      states += data.held().is_missing(own.begin + n - data.first(), t) ? 0 : 1;
  MPI_Allreduce(MPI_IN_PLACE, &states, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  std::vector<double> mean;
  for (std::size_t begin = 0; begin < m; begin += some) {
    const parallel::Range components{begin, std::min(begin + some, m)};
    const auto total = parallel::exact_sum(comm, sums_of(data, own, components, power), components.size());
    if (!total) throw FileError("the states of the data set are too large for their mean to be computed");
    for (const double sum : *total) mean.push_back(sum / static_cast<double>(states));
  }
  return mean;
}

/// Of the format of each component's values. Collective.
std::vector<double> epsilon_of(const parallel::Communicator& comm, const core::Trajectories& held) {
  const std::size_t m = held.components;
  std::vector<core::StoredPrecision> formats(m);
  for (std::size_t k = 0; k < held.count * held.times; ++k)
    held.numbers_at(0, k).visit([&](const auto* state) {
      for (std::size_t c = 0; c < m; ++c) formats[c].add(double(state[c]));
    });
  std::vector<double> epsilon(m);
  for (std::size_t c = 0; c < m; ++c) epsilon[c] = formats[c].epsilon();
  MPI_Allreduce(MPI_IN_PLACE, epsilon.data(), parallel::mpi_count(m), MPI_DOUBLE, MPI_MIN, comm.handle());
  return epsilon;
}

/// The first state of the data set and the share of states that have its values. Collective.
void add_rest(const parallel::Communicator& comm, const DataSet& set, const parallel::Range& own,
              Moments& moments) {
  const core::Trajectories& held = set.data.held();
  const std::size_t m = held.components;
  moments.first.assign(m, -std::numeric_limits<double>::infinity());
  if (set.data.first() == 0 && held.count > 0)
    held.numbers_at(0, 0).visit([&](const auto* state) { std::copy_n(state, m, moments.first.begin()); });
  MPI_Allreduce(MPI_IN_PLACE, moments.first.data(), parallel::mpi_count(m), MPI_DOUBLE, MPI_MAX,
                comm.handle());
  std::vector<std::uint64_t> equal(m + 1, 0);  // and the number of states
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < held.times; ++t) {
      const std::size_t trajectory = own.begin + n - set.data.first();
      if (held.is_missing(trajectory, t)) continue;
      held.numbers_at(trajectory, t).visit([&](const auto* state) {
        for (std::size_t c = 0; c < m; ++c)
          equal[c] += std::abs(double(state[c]) - moments.first[c]) <=
                      2.0 * moments.epsilon[c] * std::abs(moments.first[c]);
      });
      ++equal[m];
    }
  MPI_Allreduce(MPI_IN_PLACE, equal.data(), parallel::mpi_count(m + 1), MPI_UINT64_T, MPI_SUM, comm.handle());
  for (std::size_t c = 0; c < m; ++c)
    moments.rest.push_back(static_cast<double>(equal[c]) / static_cast<double>(equal[m]));
}

}  // namespace

std::optional<double> Moments::constant(std::size_t component) const {
  if (!core::varies(deviation[component], mean[component], epsilon[component])) return mean[component];
  constexpr double nearly_all = 0.999;
  if (rest[component] >= nearly_all) return first[component];
  return std::nullopt;
}

Moments component_moments(const parallel::Communicator& comm, const DataSet& set) {
  const parallel::Range own = own_trajectories(comm, set);
  Moments moments;
  moments.mean = mean_of(comm, set.data, own, [](std::size_t, double x) { return x; });
  moments.deviation = mean_of(comm, set.data, own, [&](std::size_t c, double x) {
    return (x - moments.mean[c]) * (x - moments.mean[c]);
  });
  for (double& variance : moments.deviation) variance = std::sqrt(variance);
  moments.epsilon = epsilon_of(comm, set.data.held());
  add_rest(comm, set, own, moments);
  return moments;
}

double natural_time_unit(const parallel::Communicator& comm, const DataSet& set, const Moments& moments) {
  const core::Trajectories& held = set.data.held();
  const parallel::Range own = own_trajectories(comm, set);
  const std::size_t m = held.components;
  std::vector<double> inverse(m, 0.0);  // of deviations
  double varying = 0.0;
  for (std::size_t c = 0; c < m; ++c) {
    if (moments.constant(c)) continue;
    inverse[c] = 1.0 / moments.deviation[c];
    varying += 1.0;
  }
  std::vector<double> rows(own.size() * 2, 0.0);  // size log(time), size
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 1; t < held.times; ++t) {
      const std::size_t trajectory = own.begin + n - set.data.first();
      if (held.is_missing(trajectory, t - 1) || held.is_missing(trajectory, t)) continue;
      double square = 0.0;
      held.numbers_at(trajectory, t - 1).visit([&](const auto* before) {
        for (std::size_t c = 0; c < m; ++c) {
          const double change = (double(before[m + c]) - double(before[c])) * inverse[c];
          square += change * change;
        }
      });
      if (square == 0.0) continue;
      const double size = std::sqrt(square / varying),
                   step = std::abs(held.time_at(trajectory, t) - held.time_at(trajectory, t - 1));
      rows[2 * n] += size * std::log(step / size);
      rows[2 * n + 1] += size;
    }
  const auto sums = parallel::exact_sum(comm, rows, 2);
  if (!sums || (*sums)[1] == 0.0) return 0.0;
  return std::stod(rounded(std::exp((*sums)[0] / (*sums)[1]), 9));
}

Moments pooled(const Moments& moments) {
  const double components = static_cast<double>(moments.mean.size());
  double mean = 0.0, variance = 0.0;
  for (const double m : moments.mean) mean += m / components;
  for (std::size_t c = 0; c < moments.mean.size(); ++c) {
    const double shift = moments.mean[c] - mean;
    variance += (moments.deviation[c] * moments.deviation[c] + shift * shift) / components;
  }
  return {{mean}, {std::sqrt(variance)}, {std::ranges::min(moments.epsilon)}, {}, {}};
}

}  // namespace spnode::training
