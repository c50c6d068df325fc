#pragma once
/// Real Fourier modes of a periodic field at equidistant points.

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace spnode::core {

/// The orthonormal real Fourier modes at equidistant points of a period, (modes, points), row major: cosine
/// and sine of the wave numbers 1, 2, ... in turn, then the mean. `modes` is odd and at most `points`.
///
/// A shift of the field turns each pair (cosine, sine), so that a linear map commutes with all shifts (its
/// matrix at the points is circulant) if and only if it acts on each pair as [a, -b; b, a] and on the mean as
/// a number.
inline std::vector<double> fourier_modes(std::size_t modes, std::size_t points) {
  const double n = double(points);
  std::vector<double> rows(modes * points);
  for (std::size_t i = 0; i < modes; ++i) {
    const bool mean = i + 1 == modes;
    const std::size_t k = mean ? 0 : i / 2 + 1;
    const double size = std::sqrt((mean ? 1.0 : 2.0) / n);
    for (std::size_t j = 0; j < points; ++j) {
      const double angle = 2.0 * std::numbers::pi * double(k * j % points) / n;
      rows[i * points + j] = size * (mean || i % 2 == 0 ? std::cos(angle) : std::sin(angle));
    }
  }
  return rows;
}

}  // namespace spnode::core
