#include "core/components/form_products.hpp"

#include "core/matrix_functions/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

FormProducts products_of_form(std::span<const double> q, std::size_t n) {
  std::vector<double> V(n * n);
  const double* entry = q.data();
  for (std::size_t j = 0; j < n; ++j) {
    V[j * n + j] = *entry++;
    for (std::size_t k = j + 1; k < n; ++k) V[j * n + k] = V[k * n + j] = 0.5 * *entry++;
  }
  // Ascending: the negative ones from the front, the positive ones from the back, largest first.
  const std::vector<double> lambda = symmetric_eigen(square(std::span(V), n));
  FormProducts products{std::vector<double>(n * n, 0.0), std::vector<double>(n * n, 0.0), {}};
  for (std::size_t r = 0; r < n; ++r) {
    const double plus = std::max(0.0, lambda[n - 1 - r]), minus = std::max(0.0, -lambda[r]);
    products.squares.push_back(plus * plus + minus * minus);
    if (plus == 0.0 && minus == 0.0) continue;
    const double a = std::sqrt(plus), c = std::sqrt(minus);
    for (std::size_t j = 0; j < n; ++j) {
      const double positive = a * V[(n - 1 - r) * n + j], negative = c * V[r * n + j];
      products.left[r * n + j] = positive + negative;
      products.right[r * n + j] = positive - negative;
    }
  }
  return products;
}

void DroppedProducts::add(const FormProducts& products, std::size_t rank) {
  for (std::size_t r = 0; r < products.squares.size(); ++r) {
    whole_ += products.squares[r];
    if (r >= rank) dropped_ += products.squares[r];
  }
}

double DroppedProducts::relative() const { return whole_ > 0.0 ? std::sqrt(dropped_ / whole_) : 0.0; }

}  // namespace spnode::core
