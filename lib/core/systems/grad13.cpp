#include "core/systems/grad13.hpp"

#include <algorithm>

namespace spnode::core {

namespace {

constexpr std::size_t variables = Grad13::variables;

/// The matrix of (5.12) is decay - i k eps coupling; rows and columns: rho, u, T, sigma, q.
constexpr double coupling[variables][variables] = {{0.0, 1.0, 0.0, 0.0, 0.0},
                                                   {1.0, 0.0, 1.0, 1.0, 0.0},
                                                   {0.0, 2.0 / 3.0, 0.0, 0.0, 2.0 / 3.0},
                                                   {0.0, 4.0 / 3.0, 0.0, 0.0, 8.0 / 15.0},
                                                   {0.0, 0.0, 5.0 / 2.0, 1.0, 0.0}};
constexpr double decay[variables] = {0.0, 0.0, 0.0, -1.0, -2.0 / 3.0};

}  // namespace

void Grad13::rhs(std::span<const double> u, std::span<double> rate) const {
  for (std::size_t k = 0; k < modes; ++k)
    for (std::size_t row = 0; row < variables; ++row) {
      const std::size_t i = index(k, row);
      double re = decay[row] * u[i], im = decay[row] * u[i + 1];
      for (std::size_t col = 0; col < variables; ++col) {
        // -i (a + i b) = b - i a
        const double factor = static_cast<double>(k) * epsilon_ * coupling[row][col];
        re += factor * u[index(k, col) + 1];
        im -= factor * u[index(k, col)];
      }
      rate[i] = re;
      rate[i + 1] = im;
    }
}

void Grad13::jacobian(std::span<const double>, std::span<double> matrix) const {
  std::fill(matrix.begin(), matrix.end(), 0.0);
  for (std::size_t k = 0; k < modes; ++k)
    for (std::size_t row = 0; row < variables; ++row) {
      double* re = &matrix[index(k, row) * dimension()];
      double* im = re + dimension();
      re[index(k, row)] = im[index(k, row) + 1] = decay[row];
      for (std::size_t col = 0; col < variables; ++col) {
        const double factor = static_cast<double>(k) * epsilon_ * coupling[row][col];
        re[index(k, col) + 1] += factor;
        im[index(k, col)] -= factor;
      }
    }
}

void Grad13::initial_state(const Random& random, std::span<double> u) const {
  for (std::size_t i = 0; i < dimension(); ++i) u[i] = random.uniform(i, -1.0, 1.0);
}

std::vector<std::vector<double>> Grad13::linear_invariants() const {
  std::vector<std::vector<double>> invariants;
  for (std::size_t i = 0; i < index(0, 3); ++i) {  // real and imaginary parts of rho_0, u_0, T_0
    invariants.emplace_back(dimension(), 0.0);
    invariants.back()[i] = 1.0;
  }
  return invariants;
}

std::vector<std::string> Grad13::component_names() const {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < modes; ++k)
    for (const char* variable : {"rho", "u", "T", "sigma", "q"})
      for (const char* part : {"Re ", "Im "})
        names.push_back(part + std::string(variable) + "_" + std::to_string(k));
  return names;
}

}  // namespace spnode::core
