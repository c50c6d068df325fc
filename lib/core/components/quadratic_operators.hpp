#pragma once

#include <vector>

namespace spnode::core {

/// The operators of the right-hand side du/dt = A u + Q m(u) + b with the monomials m of
/// core/kernels/quadratic.hpp: where a model may start from.
struct QuadraticOperators {
  std::vector<double> A;  ///< (n, n)
  std::vector<double> Q;  ///< (n, n (n + 1) / 2); empty: no quadratic part
  std::vector<double> b;  ///< (n); empty: no constant
};

}  // namespace spnode::core
