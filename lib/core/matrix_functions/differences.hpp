#pragma once
/// Finite differences on any grid.

#include <span>

namespace spnode::core {

/// weights_j with sum_j weights_j f(times_j) = f'(at) for every polynomial f of degree below times.size()
/// (Fornberg, Math. Comp. 51, 1988). times: distinct, at least two; weights, work: as many, overwritten.
void derivative_weights(double at, std::span<const double> times, std::span<double> weights,
                        std::span<double> work);

}  // namespace spnode::core
