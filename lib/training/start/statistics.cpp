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
#include <memory>

namespace spnode::training {

namespace {

/// Calls work(row, state) for the states that count here and are not missing: some components of each, and
/// the row of its trajectory. Where states are streamed, one pass over them.
template <class Work>
void for_each_state(const core::WindowData& data, const parallel::Range& own,
                    const parallel::Range& components, Work&& work) {
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < data.held().times; ++t)
      if (const std::size_t k = own.begin + n - data.first(); !data.held().is_missing(k, t))
        data.numbers(k, t, components.begin, components.end).visit([&](const auto* state) {
          work(n, state);
        });
}

/// Calls work(components) for as many components at a time as keep the sums of all trajectories small.
template <class Work>
void for_component_blocks(const core::WindowData& data, Work&& work) {
  constexpr std::size_t numbers = std::size_t(1) << 22, fewest = 64;
  const std::size_t m = data.held().components,
                    trajectories = data.index().count() / data.index().per_trajectory(),
                    some = std::max(fewest, numbers / trajectories);
  for (std::size_t begin = 0; begin < m; begin += some)
    work(parallel::Range{begin, std::min(begin + some, m)});
}

/// Of the whole data set, those that are not missing. Collective.
std::uint64_t count_states(const parallel::Communicator& comm, const core::WindowData& data,
                           const parallel::Range& own) {
  std::uint64_t states = 0;
  for (std::size_t n = 0; n < own.size(); ++n)
    for (std::size_t t = 0; t < data.held().times; ++t)
      states += data.held().is_missing(own.begin + n - data.first(), t) ? 0 : 1;
  MPI_Allreduce(MPI_IN_PLACE, &states, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  return states;
}

/// The first state of the data set. Collective.
std::vector<double> first_state(const parallel::Communicator& comm, const core::WindowData& data) {
  const std::size_t m = data.held().components;
  std::vector<double> first(m, -std::numeric_limits<double>::infinity());
  parallel::collectively(comm, [&] {
    if (data.first() == 0 && data.held().count > 0)
      data.numbers(0, 0).visit([&](const auto* state) { std::copy_n(state, m, first.begin()); });
  });
  MPI_Allreduce(MPI_IN_PLACE, first.data(), parallel::mpi_count(m), MPI_DOUBLE, MPI_MAX, comm.handle());
  return first;
}

/// Appends the sums over the data set of rows (trajectories, components), divided by the number of states.
/// Collective.
void append_means(const parallel::Communicator& comm, const std::vector<double>& rows, std::size_t components,
                  std::uint64_t states, std::vector<double>& means) {
  const auto total = parallel::exact_sum(comm, rows, components);
  if (!total) throw FileError("the states of the data set are too large for their mean to be computed");
  for (const double sum : *total) means.push_back(sum / static_cast<double>(states));
}

/// Means, and the format that the values are stored in, of some components. Collective; one pass.
void add_means(const parallel::Communicator& comm, const core::WindowData& data, const parallel::Range& own,
               const parallel::Range& components, std::uint64_t states, Moments& moments) {
  const std::size_t width = components.size();
  std::vector<double> rows(own.size() * width, 0.0), epsilon(width);
  std::vector<core::StoredPrecision> formats(width);
  parallel::collectively(comm, [&] {
    for_each_state(data, own, components, [&](std::size_t n, const auto* state) {
      for (std::size_t c = 0; c < width; ++c) {
        rows[n * width + c] += double(state[c]);
        formats[c].add(double(state[c]));
      }
    });
  });
  append_means(comm, rows, width, states, moments.mean);
  for (std::size_t c = 0; c < width; ++c) epsilon[c] = formats[c].epsilon();
  MPI_Allreduce(MPI_IN_PLACE, epsilon.data(), parallel::mpi_count(width), MPI_DOUBLE, MPI_MIN, comm.handle());
  moments.epsilon.insert(moments.epsilon.end(), epsilon.begin(), epsilon.end());
}

/// Variances, in place of the deviations, and shares of the first state's values, of components whose means
/// are known. Collective; one pass.
void add_variances(const parallel::Communicator& comm, const core::WindowData& data,
                   const parallel::Range& own, const parallel::Range& components, std::uint64_t states,
                   Moments& moments) {
  const std::size_t width = components.size();
  std::vector<double> rows(own.size() * width, 0.0);
  std::vector<std::uint64_t> equal(width, 0);
  parallel::collectively(comm, [&] {
    const double *const mean = moments.mean.data() + components.begin,
                        *const first = moments.first.data() + components.begin,
                        *const epsilon = moments.epsilon.data() + components.begin;
    for_each_state(data, own, components, [&](std::size_t n, const auto* state) {
      for (std::size_t c = 0; c < width; ++c) {
        const double x = double(state[c]);
        rows[n * width + c] += (x - mean[c]) * (x - mean[c]);
        equal[c] += std::abs(x - first[c]) <= 2.0 * epsilon[c] * std::abs(first[c]);
      }
    });
  });
  append_means(comm, rows, width, states, moments.deviation);
  MPI_Allreduce(MPI_IN_PLACE, equal.data(), parallel::mpi_count(width), MPI_UINT64_T, MPI_SUM, comm.handle());
  for (const std::uint64_t count : equal)
    moments.rest.push_back(static_cast<double>(count) / static_cast<double>(states));
}

}  // namespace

std::optional<double> Moments::constant(std::size_t component) const {
  if (!core::varies(deviation[component], mean[component], epsilon[component])) return mean[component];
  constexpr double nearly_all = 0.999;
  if (rest[component] >= nearly_all) return first[component];
  return std::nullopt;
}

FunctionMoments function_moments(const parallel::Communicator& comm, const DataSet& set,
                                 const std::function<double(std::size_t, double)>& function) {
  const core::WindowData& data = set.data;
  const parallel::Range own = own_trajectories(comm, set);
  const std::uint64_t states = count_states(comm, data, own);
  FunctionMoments moments;
  const auto add_means_of = [&](const parallel::Range& components, const auto& term,
                                std::vector<double>& means) {
    const std::size_t width = components.size();
    std::vector<double> rows(own.size() * width, 0.0);
    parallel::collectively(comm, [&] {
      for_each_state(data, own, components, [&](std::size_t n, const auto* state) {
        for (std::size_t c = 0; c < width; ++c)
          rows[n * width + c] += term(components.begin + c, double(state[c]));
      });
    });
    append_means(comm, rows, width, states, means);
  };
  for_component_blocks(data, [&](const parallel::Range& components) {
    add_means_of(components, function, moments.mean);
    const auto square = [&](std::size_t c, double x) {
      const double difference = function(c, x) - moments.mean[c];
      return difference * difference;
    };
    add_means_of(components, square, moments.deviation);
  });
  for (double& variance : moments.deviation) variance = std::sqrt(variance);
  return moments;
}

Moments component_moments(const parallel::Communicator& comm, const DataSet& set) {
  if (set.moments) return *set.moments;
  const core::WindowData& data = set.data;
  const parallel::Range own = own_trajectories(comm, set);
  const std::uint64_t states = count_states(comm, data, own);
  Moments moments;
  moments.first = first_state(comm, data);
  for_component_blocks(data, [&](const parallel::Range& components) {
    add_means(comm, data, own, components, states, moments);
    add_variances(comm, data, own, components, states, moments);
  });
  for (double& variance : moments.deviation) variance = std::sqrt(variance);
  int streamed = data.streamed() ? 1 : 0;  // a rank without trajectories streams none
  MPI_Allreduce(MPI_IN_PLACE, &streamed, 1, MPI_INT, MPI_MAX, comm.handle());
  if (streamed != 0) set.moments = std::make_shared<const Moments>(moments);
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
  std::vector<double> before(m);
  parallel::collectively(comm, [&] {
    for (std::size_t n = 0; n < own.size(); ++n)
      for (std::size_t t = 0; t < held.times; ++t) {
        const std::size_t trajectory = own.begin + n - set.data.first();
        double square = 0.0;
        set.data.numbers(trajectory, t).visit([&](const auto* state) {
          for (std::size_t c = 0; c < m; ++c) {
            const double change = (double(state[c]) - before[c]) * inverse[c];
            square += change * change;
            before[c] = double(state[c]);
          }
        });
        if (t == 0 || held.is_missing(trajectory, t - 1) || held.is_missing(trajectory, t)) continue;
        if (square == 0.0) continue;
        const double size = std::sqrt(square / varying),
                     step = std::abs(held.time_at(trajectory, t) - held.time_at(trajectory, t - 1));
        rows[2 * n] += size * std::log(step / size);
        rows[2 * n + 1] += size;
      }
  });
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
