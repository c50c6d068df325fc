#pragma once
/// Derivatives and energies of a field on a uniform periodic grid, by its Fourier series.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// A grid of `points` points x_j = j period / points. Sums are direct, O(points^2) for each field: exact for
/// what the grid resolves, for any number of points.
class PeriodicGrid {
 public:
  /// Raises UsageError for fewer than 4 points or a period that is not positive.
  PeriodicGrid(std::size_t points, double period);

  std::size_t points() const { return first_.size() / 2; }
  std::size_t modes() const { return points() / 2 + 1; }  ///< wavenumbers from 0 to the grid's largest
  double wavenumber(std::size_t mode) const;              ///< 2 pi mode / period, 1/length

  /// u_x and u_xx at the grid points, overwritten; all (points). The largest mode of an even grid has no u_x.
  void derivatives(std::span<const double> u, std::span<double> u_x, std::span<double> u_xx) const;

  /// energy (modes) += |u_q|^2 summed over q and -q: the entries of one field sum to the mean of its u^2.
  void add_energies(std::span<const double> u, std::span<double> energy) const;

 private:
  double period_;
  std::vector<double> first_, second_;  // twice the circulants' first columns, one after the other
  std::vector<double> cos_, sin_;       // of 2 pi j / points
};

/// sum |a - b| / sum |b| of two spectra, 0 where both are 0.
double energy_distance(std::span<const double> a, std::span<const double> b);

}  // namespace spnode::core
