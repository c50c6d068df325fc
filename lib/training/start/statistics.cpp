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

/// Sums over the data set of power(component, x), divided by the number of states that are not missing;
/// `own`: trajectories that count here. Collective.
template <class Power>
std::vector<double> mean_of(const parallel::Communicator& comm, const core::WindowData& data,
                            const parallel::Range& own, Power&& power) {
  const std::size_t width = data.held().components, times = data.held().times;
  std::vector<double> rows(own.size() * width, 0.0);
  std::uint64_t states = 0;
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < times; ++t) {
      const std::size_t trajectory = own.begin + n - data.first();
      if (data.held().is_missing(trajectory, t)) continue;
      ++states;
      const double* state = data.held().state_at(trajectory, t);
      for (std::size_t c = 0; c < width; ++c) rows[n * width + c] += power(c, state[c]);
    }
  auto total = parallel::exact_sum(comm, rows, width);
  if (!total) throw FileError("the states of the data set are too large for their mean to be computed");
  MPI_Allreduce(MPI_IN_PLACE, &states, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  for (double& sum : *total) sum /= static_cast<double>(states);
  return *total;
}

/// Of the format of each component's values. Collective.
std::vector<double> epsilon_of(const parallel::Communicator& comm, const core::Trajectories& held) {
  const std::size_t m = held.components;
  std::vector<core::StoredPrecision> formats(m);
  for (std::size_t k = 0; k < held.count * held.times; ++k)
    for (std::size_t c = 0; c < m; ++c) formats[c].add(held.state[k * m + c]);
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
  if (set.data.first() == 0 && held.count > 0) std::copy_n(held.state_at(0, 0), m, moments.first.begin());
  MPI_Allreduce(MPI_IN_PLACE, moments.first.data(), parallel::mpi_count(m), MPI_DOUBLE, MPI_MAX,
                comm.handle());
  std::vector<std::uint64_t> equal(m + 1, 0);  // and the number of states
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < held.times; ++t) {
      const std::size_t trajectory = own.begin + n - set.data.first();
      if (held.is_missing(trajectory, t)) continue;
      const double* const state = held.state_at(trajectory, t);
      for (std::size_t c = 0; c < m; ++c)
        equal[c] +=
            std::abs(state[c] - moments.first[c]) <= 2.0 * moments.epsilon[c] * std::abs(moments.first[c]);
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

double natural_time_unit(const parallel::Communicator& comm, const DataSet& set) {
  const Moments moments = component_moments(comm, set);
  const core::Trajectories& held = set.data.held();
  const parallel::Range own = own_trajectories(comm, set);
  std::vector<double> rows(own.size() * 2, 0.0);  // size log(time), size
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 1; t < held.times; ++t) {
      const std::size_t trajectory = own.begin + n - set.data.first();
      if (held.is_missing(trajectory, t - 1) || held.is_missing(trajectory, t)) continue;
      const double *const now = held.state_at(trajectory, t), *const before =
                                                                  held.state_at(trajectory, t - 1);
      double square = 0.0, varying = 0.0;
      for (std::size_t c = 0; c < held.components; ++c) {
        if (moments.constant(c)) continue;
        const double change = (now[c] - before[c]) / moments.deviation[c];
        square += change * change;
        varying += 1.0;
      }
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
