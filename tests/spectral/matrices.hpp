#pragma once
/// Matrices of known spectrum, row major.

#include "core/support/random.hpp"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

using Matrix = std::vector<double>;

inline Matrix diagonal(const std::vector<double>& entries) {
  const std::size_t n = entries.size();
  Matrix matrix(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = entries[i];
  return matrix;
}

/// One Jordan block.
inline Matrix jordan(std::size_t n, double eigenvalue, double coupling) {
  Matrix matrix = diagonal(std::vector<double>(n, eigenvalue));
  for (std::size_t i = 0; i + 1 < n; ++i) matrix[i * n + i + 1] = coupling;
  return matrix;
}

/// u_t = -speed u_x + viscosity u_xx by central differences on n points of a circle of length 1; normal.
struct AdvectionDiffusion {
  std::size_t n;
  double speed, viscosity;

  Matrix matrix() const {
    Matrix a(n * n, 0.0);
    const double h = 1.0 / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) {
      a[i * n + i] -= 2 * viscosity / (h * h);
      a[i * n + (i + 1) % n] += viscosity / (h * h) - speed / (2 * h);
      a[i * n + (i + n - 1) % n] += viscosity / (h * h) + speed / (2 * h);
    }
    return a;
  }

  /// Eigenvalue of the wave exp(2 pi i k x).
  std::complex<double> eigenvalue(std::size_t k) const {
    const double h = 1.0 / static_cast<double>(n), angle = 2 * std::numbers::pi * static_cast<double>(k) * h;
    return {-4 * viscosity * std::pow(std::sin(angle / 2) / h, 2), -speed * std::sin(angle) / h};
  }
};

/// (G_s + G_u) S + mu I with random S > 0, G_s < 0, G_u = -G_u^T: all real parts below mu (SPNODE-25, Theorem
/// 1).
inline Matrix random_hurwitz(std::size_t n, double mu, std::uint64_t seed) {
  const spnode::core::Random random(seed, "random_hurwitz");
  Matrix s(n * n), g(n * n), a(n * n, 0.0);
  const auto entry = [&](std::size_t block, std::size_t i, std::size_t j) {
    return random.normal((block * n + i) * n + j) / std::sqrt(static_cast<double>(n));
  };
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double factor = i == j ? 0.1 : 0.0, dissipation = factor;
      for (std::size_t k = 0; k < n; ++k) {
        factor += entry(0, i, k) * entry(0, j, k);
        dissipation += entry(1, i, k) * entry(1, j, k);
      }
      s[i * n + j] = factor;
      g[i * n + j] = -dissipation + entry(2, i, j) - entry(2, j, i);
    }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] += g[i * n + k] * s[k * n + j];
    a[i * n + i] += mu;
  }
  return a;
}
