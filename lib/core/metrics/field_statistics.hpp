#pragma once
/// What a set of forecasts has in common with the truth as a statistical whole, for fields on a periodic
/// grid: the joint density of (u_x, u_xx), and the energy spectrum.
///
/// The trajectories are dealt to two sets by the parity of their numbers. A forecast's distance is that
/// between the forecasts of one set and the truth of the other, the mean of both ways: two samples that know
/// nothing of each other. The truth's own distance, between the true states of both sets, has the same sample
/// size: what is left for a perfect model.

#include "core/data/trajectories.hpp"
#include "core/metrics/joint_histogram.hpp"
#include "core/metrics/periodic_grid.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spnode::core {

/// Forecasts and truth of trajectories [first, first + truth.count) of a data set, of the same shape.
struct FieldPair {
  const Trajectories& forecast;
  const Trajectories& truth;
  std::size_t first;
};

/// The smallest box around (u_x, u_xx) of all states.
Box derivative_box(const PeriodicGrid& grid, const Trajectories& truth);

/// Histograms one after the other, ready to be added over ranks: of the truth of sets 0 and 1, then of the
/// forecasts of sets 0 and 1, (4, JointHistogram::size).
std::vector<std::uint64_t> derivative_counts(const PeriodicGrid& grid, const Box& box, const FieldPair& pair);

/// Length of a trajectory's row of energies.
std::size_t energy_width(const PeriodicGrid& grid);

/// A row for each trajectory, ready to be added over ranks: (count, energy_width). A forecast that is not
/// finite everywhere counts for the truth alone.
std::vector<double> energy_rows(const PeriodicGrid& grid, const FieldPair& pair);

/// A distance between forecast and truth, and the one that the truth has to itself.
struct Distance {
  double forecast = 0.0, truth = 0.0;
};

struct FieldStatistics {
  Box box;                                             ///< of the histograms
  std::vector<std::uint64_t> pdf_truth, pdf_forecast;  ///< (JointHistogram::size), over both sets
  std::vector<double> wavenumber;                      ///< (modes), 1/length
  std::vector<double> energy_truth, energy_forecast;   ///< (modes), means over both sets
  Distance pdf_l1, pdf_jensen_shannon, energy;  ///< l1_distance, jensen_shannon_distance, energy_distance
};

/// From the sums over all trajectories. Distances are NaN where a set is empty.
FieldStatistics field_statistics(const PeriodicGrid& grid, const Box& box,
                                 std::span<const std::uint64_t> counts, std::span<const double> energies);

}  // namespace spnode::core
