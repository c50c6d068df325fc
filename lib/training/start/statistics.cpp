#include "training/start/statistics.hpp"

#include "core/support/error.hpp"
#include "core/support/stored_precision.hpp"
#include "parallel/count.hpp"
#include "parallel/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace spnode::training {

namespace {

/// Sums over the data set of power(component, x), divided by the number of states; `own`: trajectories that
/// count here. Collective.
template <class Power>
std::vector<double> mean_of(const parallel::Communicator& comm, const core::WindowData& data,
                            const parallel::Range& own, Power&& power) {
  const std::size_t width = data.held().components, times = data.held().times;
  std::vector<double> rows(own.size() * width, 0.0);
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < times; ++t) {
      const double* state = data.held().state_at(own.begin + n - data.first(), t);
      for (std::size_t c = 0; c < width; ++c) rows[n * width + c] += power(c, state[c]);
    }
  auto total = parallel::exact_sum(comm, rows, width);
  if (!total) throw FileError("the states of the data set are too large for their mean to be computed");
  const double states = static_cast<double>(data.index().count() / data.index().per_trajectory() * times);
  for (double& sum : *total) sum /= states;
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

}  // namespace

Moments component_moments(const parallel::Communicator& comm, const DataSet& set) {
  const parallel::Range own = own_trajectories(comm, set);
  Moments moments;
  moments.mean = mean_of(comm, set.data, own, [](std::size_t, double x) { return x; });
  moments.deviation = mean_of(comm, set.data, own, [&](std::size_t c, double x) {
    return (x - moments.mean[c]) * (x - moments.mean[c]);
  });
  for (double& variance : moments.deviation) variance = std::sqrt(variance);
  moments.epsilon = epsilon_of(comm, set.data.held());
  return moments;
}

Moments pooled(const Moments& moments) {
  const double components = static_cast<double>(moments.mean.size());
  double mean = 0.0, variance = 0.0;
  for (const double m : moments.mean) mean += m / components;
  for (std::size_t c = 0; c < moments.mean.size(); ++c) {
    const double shift = moments.mean[c] - mean;
    variance += (moments.deviation[c] * moments.deviation[c] + shift * shift) / components;
  }
  return {{mean}, {std::sqrt(variance)}, {std::ranges::min(moments.epsilon)}};
}

}  // namespace spnode::training
