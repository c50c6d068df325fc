#include "core/systems/kuramoto_sivashinsky.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spnode::core {

using std::numbers::pi;

KuramotoSivashinsky::KuramotoSivashinsky(double domain_length, std::size_t grid_points)
    : domain_length_(domain_length),
      grid_points_(grid_points),
      derivative_(grid_points),
      linear_(grid_points) {
  const double n = static_cast<double>(grid_points_);
  for (std::size_t j = 0; j < grid_points_; ++j)
    for (std::size_t mode = 1; mode < grid_points_ / 2; ++mode) {
      const double angle = 2.0 * pi * static_cast<double>(mode * j % grid_points_) / n;
      derivative_[j] -= 2.0 / n * wave_number(mode) * std::sin(angle);
      linear_[j] += 2.0 / n * growth_rate(mode) * std::cos(angle);
    }
}

double KuramotoSivashinsky::wave_number(std::size_t mode) const {
  return 2.0 * pi * static_cast<double>(mode) / domain_length_;
}

double KuramotoSivashinsky::growth_rate(std::size_t mode) const {
  const double q2 = wave_number(mode) * wave_number(mode);
  return q2 * (1.0 - q2);
}

void KuramotoSivashinsky::rhs(std::span<const double> u, std::span<double> rate) const {
  const std::size_t n = grid_points_;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t shift = (i + n - j) % n;
      sum += linear_[shift] * u[j] - derivative_[shift] * 0.5 * u[j] * u[j];
    }
    rate[i] = sum;
  }
}

void KuramotoSivashinsky::jacobian(std::span<const double> u, std::span<double> matrix) const {
  const std::size_t n = grid_points_;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t shift = (i + n - j) % n;
      matrix[i * n + j] = linear_[shift] - derivative_[shift] * u[j];
    }
}

void KuramotoSivashinsky::initial_state(const Random& random, std::span<double> u) const {
  std::fill(u.begin(), u.end(), 0.0);
  for (std::size_t mode = 1; mode < grid_points_ / 2; ++mode) {
    const double q = wave_number(mode), size = std::exp(-0.5 * q * q);
    const double cosine = size * random.normal(2 * mode), sine = size * random.normal(2 * mode + 1);
    for (std::size_t j = 0; j < grid_points_; ++j) {
      const double angle =
          2.0 * pi * static_cast<double>(mode * j % grid_points_) / static_cast<double>(grid_points_);
      u[j] += cosine * std::cos(angle) + sine * std::sin(angle);
    }
  }
}

std::vector<std::vector<double>> KuramotoSivashinsky::linear_invariants() const {
  return {std::vector<double>(grid_points_, 1.0)};
}

std::vector<std::string> KuramotoSivashinsky::component_names() const {
  std::vector<std::string> names;
  for (std::size_t j = 0; j < grid_points_; ++j) names.push_back("u(x" + std::to_string(j) + ")");
  return names;
}

}  // namespace spnode::core
