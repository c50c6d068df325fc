#include "core/systems/lorenz96.hpp"

#include <algorithm>

namespace spnode::core {

void Lorenz96::rhs(std::span<const double> u, std::span<double> rate) const {
  for (std::size_t k = 0; k < K_; ++k) {
    double sum = 0.0;
    for (std::size_t j = 0; j < J_; ++j) {
      sum += u[fast(j, k)];
      rate[fast(j, k)] =
          -u[fast(j + 1, k)] * (u[fast(j + 2, k)] - u[fast(j + J_ - 1, k)]) - u[fast(j, k)] + u[k];
    }
    const double before = u[(k + K_ - 1) % K_];
    rate[k] = -epsilon_ * (before * (u[(k + K_ - 2) % K_] - u[(k + 1) % K_]) + u[k] + epsilon_ * sum);
  }
}

void Lorenz96::jacobian(std::span<const double> u, std::span<double> matrix) const {
  const std::size_t n = dimension();
  std::fill(matrix.begin(), matrix.end(), 0.0);
  for (std::size_t k = 0; k < K_; ++k) {
    double* const row = &matrix[k * n];
    const std::size_t one = (k + K_ - 1) % K_, two = (k + K_ - 2) % K_, next = (k + 1) % K_;
    row[one] -= epsilon_ * (u[two] - u[next]);
    row[two] -= epsilon_ * u[one];
    row[next] += epsilon_ * u[one];
    row[k] -= epsilon_;
    for (std::size_t j = 0; j < J_; ++j) {
      row[fast(j, k)] -= epsilon_ * epsilon_;
      double* const y_row = &matrix[fast(j, k) * n];
      const std::size_t y_next = fast(j + 1, k), y_second = fast(j + 2, k), y_before = fast(j + J_ - 1, k);
      y_row[y_next] -= u[y_second] - u[y_before];
      y_row[y_second] -= u[y_next];
      y_row[y_before] += u[y_next];
      y_row[fast(j, k)] -= 1.0;
      y_row[k] += 1.0;
    }
  }
}

void Lorenz96::initial_state(const Random& random, std::span<double> u) const {
  for (std::size_t i = 0; i < dimension(); ++i)
    u[i] = i < K_ ? random.uniform(i, -0.5, 1.0) : random.normal(i);
}

// Where the y_jk of a k are alike, their products cancel and dy/dt = x - y: the first order is x - dx/dt.
void Lorenz96::to_slow_manifold(std::span<double> u) const {
  for (std::size_t k = 0; k < K_; ++k)
    for (std::size_t j = 0; j < J_; ++j) u[fast(j, k)] = u[k];
  std::vector<double> rate(dimension());
  rhs(u, rate);
  for (std::size_t k = 0; k < K_; ++k)
    for (std::size_t j = 0; j < J_; ++j) u[fast(j, k)] -= rate[k];
}

std::vector<std::string> Lorenz96::component_names() const {
  const auto name = [](char variable, std::size_t number) {
    return std::string(1, variable).append(std::to_string(number));  // gcc 12 misreads a sum of texts
  };
  std::vector<std::string> names;
  for (std::size_t k = 1; k <= K_; ++k) names.push_back(name('x', k));
  for (std::size_t k = 1; k <= K_; ++k)
    for (std::size_t j = 1; j <= J_; ++j) names.push_back(name('y', j).append("_").append(std::to_string(k)));
  return names;
}

}  // namespace spnode::core
