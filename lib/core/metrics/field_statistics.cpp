#include "core/metrics/field_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

namespace {

/// Sums of one kind of states of one set.
enum Sample : std::size_t { truth_0, truth_1, forecast_0, forecast_1, samples };

/// Calls action(u_x, u_xx) for every state.
template <class Action>
void for_each_derivative(const PeriodicGrid& grid, const Trajectories& fields, std::size_t n,
                         Action&& action) {
  std::vector<double> u_x(grid.points()), u_xx(grid.points());
  for (std::size_t t = 0; t < fields.times; ++t) {
    grid.derivatives({fields.state_at(n, t), grid.points()}, u_x, u_xx);
    action(u_x, u_xx);
  }
}

/// The mean energies over time of one trajectory; nothing where it is not finite.
void add_mean_energies(const PeriodicGrid& grid, const Trajectories& fields, std::size_t n,
                       std::span<double> row) {
  std::vector<double> energy(grid.modes(), 0.0);
  for (std::size_t t = 0; t < fields.times; ++t)
    grid.add_energies({fields.state_at(n, t), grid.points()}, energy);
  if (!std::all_of(energy.begin(), energy.end(), [](double e) { return std::isfinite(e); })) return;
  row[0] += 1.0;
  for (std::size_t q = 0; q < energy.size(); ++q) row[1 + q] += energy[q] / double(fields.times);
}

/// The mean of the energies of two samples.
std::vector<double> mean_energies(std::span<const double> a, std::span<const double> b) {
  std::vector<double> mean;
  for (std::size_t q = 1; q < a.size(); ++q) mean.push_back((a[q] + b[q]) / (a[0] + b[0]));
  return mean;
}

/// Of four samples: forecasts against the truth of the other set, both ways, and truth against truth.
template <class Sample4, class Measure>
Distance cross(const Sample4& sample, Measure&& distance) {
  return {
      0.5 * (distance(sample[forecast_0], sample[truth_1]) + distance(sample[forecast_1], sample[truth_0])),
      0.5 * (distance(sample[truth_0], sample[truth_1]) + distance(sample[truth_1], sample[truth_0]))};
}

}  // namespace

Box derivative_box(const PeriodicGrid& grid, const Trajectories& truth) {
  Box box;
  for (std::size_t n = 0; n < truth.count; ++n)
    for_each_derivative(grid, truth, n, [&](const auto& u_x, const auto& u_xx) { box.include(u_x, u_xx); });
  return box;
}

std::vector<std::uint64_t> derivative_counts(const PeriodicGrid& grid, const Box& box,
                                             const FieldPair& pair) {
  std::vector<JointHistogram> histograms(samples, JointHistogram(box));
  for (std::size_t n = 0; n < pair.truth.count; ++n) {
    const std::size_t set = (pair.first + n) % 2;
    const auto add_to = [&](JointHistogram& histogram) {
      return [&](const auto& u_x, const auto& u_xx) { histogram.add(u_x, u_xx); };
    };
    for_each_derivative(grid, pair.truth, n, add_to(histograms[truth_0 + set]));
    for_each_derivative(grid, pair.forecast, n, add_to(histograms[forecast_0 + set]));
  }
  std::vector<std::uint64_t> counts;
  for (const JointHistogram& histogram : histograms)
    counts.insert(counts.end(), histogram.counts().begin(), histogram.counts().end());
  return counts;
}

std::size_t energy_width(const PeriodicGrid& grid) { return samples * (1 + grid.modes()); }

std::vector<double> energy_rows(const PeriodicGrid& grid, const FieldPair& pair) {
  const std::size_t width = 1 + grid.modes();
  std::vector<double> rows(pair.truth.count * samples * width, 0.0);
  for (std::size_t n = 0; n < pair.truth.count; ++n) {
    const std::size_t set = (pair.first + n) % 2;
    const auto part = [&](std::size_t sample) {
      return std::span(rows).subspan((n * samples + sample) * width, width);
    };
    add_mean_energies(grid, pair.truth, n, part(truth_0 + set));
    add_mean_energies(grid, pair.forecast, n, part(forecast_0 + set));
  }
  return rows;
}

FieldStatistics field_statistics(const PeriodicGrid& grid, const Box& box,
                                 std::span<const std::uint64_t> counts, std::span<const double> energies) {
  FieldStatistics found;
  found.box = box;
  std::array<std::span<const std::uint64_t>, samples> pdf;
  std::array<std::span<const double>, samples> sums;
  std::array<std::vector<double>, samples> energy;
  for (std::size_t s = 0; s < samples; ++s) {
    pdf[s] = counts.subspan(s * JointHistogram::size, JointHistogram::size);
    sums[s] = energies.subspan(s * (1 + grid.modes()), 1 + grid.modes());
    for (const double sum : sums[s].subspan(1)) energy[s].push_back(sum / sums[s][0]);
  }
  for (std::size_t i = 0; i < JointHistogram::size; ++i) {
    found.pdf_truth.push_back(pdf[truth_0][i] + pdf[truth_1][i]);
    found.pdf_forecast.push_back(pdf[forecast_0][i] + pdf[forecast_1][i]);
  }
  for (std::size_t q = 0; q < grid.modes(); ++q) found.wavenumber.push_back(grid.wavenumber(q));
  found.energy_truth = mean_energies(sums[truth_0], sums[truth_1]);
  found.energy_forecast = mean_energies(sums[forecast_0], sums[forecast_1]);
  found.pdf_l1 = cross(pdf, l1_distance);
  found.pdf_jensen_shannon = cross(pdf, jensen_shannon_distance);
  found.energy = cross(energy, energy_distance);
  return found;
}

}  // namespace spnode::core
