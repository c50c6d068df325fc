#include "core/metrics/periodic_grid.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <cmath>
#include <numbers>
#include <string>

namespace spnode::core {

PeriodicGrid::PeriodicGrid(std::size_t points, double period)
    : period_(period), first_(2 * points), second_(2 * points), cos_(points), sin_(points) {
  if (points < 4 || !(period > 0.0))
    throw UsageError("a periodic grid of " + std::to_string(points) + " points and period " +
                     shortest(period) + ": at least 4 points and a positive period are needed");
  for (std::size_t j = 0; j < points; ++j) {
    const double angle = 2.0 * std::numbers::pi * double(j) / double(points);
    cos_[j] = std::cos(angle);
    sin_[j] = std::sin(angle);
  }
  for (std::size_t j = 0; j < points; ++j) {
    for (std::size_t n = 1; n < modes(); ++n) {
      const double q = wavenumber(n), share = (2 * n == points ? 1.0 : 2.0) / double(points);
      if (2 * n != points) first_[j] -= share * q * sin_[n * j % points];
      second_[j] -= share * q * q * cos_[n * j % points];
    }
    first_[points + j] = first_[j];
    second_[points + j] = second_[j];
  }
}

double PeriodicGrid::wavenumber(std::size_t mode) const {
  return 2.0 * std::numbers::pi * double(mode) / period_;
}

void PeriodicGrid::derivatives(std::span<const double> u, std::span<double> u_x,
                               std::span<double> u_xx) const {
  const std::size_t m = points();
  for (std::size_t j = 0; j < m; ++j) {
    double first = 0.0, second = 0.0;
    for (std::size_t k = 0; k < m; ++k) {
      first += first_[m + j - k] * u[k];
      second += second_[m + j - k] * u[k];
    }
    u_x[j] = first;
    u_xx[j] = second;
  }
}

void PeriodicGrid::add_energies(std::span<const double> u, std::span<double> energy) const {
  const std::size_t m = points();
  for (std::size_t n = 0; n < modes(); ++n) {
    double real = 0.0, imaginary = 0.0;
    for (std::size_t k = 0, angle = 0; k < m; ++k, angle = (angle + n) % m) {
      real += cos_[angle] * u[k];
      imaginary += sin_[angle] * u[k];
    }
    const double both = n == 0 || 2 * n == m ? 1.0 : 2.0;
    energy[n] += both * (real * real + imaginary * imaginary) / (double(m) * double(m));
  }
}

double energy_distance(std::span<const double> a, std::span<const double> b) {
  double difference = 0.0, size = 0.0;
  for (std::size_t n = 0; n < b.size(); ++n) {
    difference += std::abs(a[n] - b[n]);
    size += std::abs(b[n]);
  }
  return difference == 0.0 ? 0.0 : difference / size;
}

}  // namespace spnode::core
