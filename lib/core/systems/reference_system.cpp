#include "core/systems/reference_system.hpp"

namespace spnode::core {

void ReferenceSystem::jacobian_products(std::span<const double> u, std::span<const double> directions,
                                        std::span<double> products) const {
  const std::size_t n = dimension();
  std::vector<double> matrix(n * n);
  jacobian(u, matrix);
  for (std::size_t v = 0; v < directions.size(); v += n)
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < n; ++j) sum += matrix[i * n + j] * directions[v + j];
      products[v + i] = sum;
    }
}

}  // namespace spnode::core
