#pragma once
/// Pairs of tanh neurons that make squares of linear forms.

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// Where the fourth derivative of tanh vanishes.
inline const double pair_bias = std::atanh(std::sqrt(2.0 / 3.0));

/// tanh(c + s) + tanh(c - s) - 2 tanh(c), c = pair_bias: a multiple of s^2 (1 - 0.07 s^4 + ...).
inline double even_pair(double s) {
  return std::tanh(pair_bias + s) + std::tanh(pair_bias - s) - 2.0 * std::tanh(pair_bias);
}

/// Directions v (count, n) whose squares (v u)^2 stand for a quadratic form: the rows (m, n) that give the
/// m components of the state from u, because products of equations are products there; some of them, evenly
/// spaced, where count < m; sums of two where it is larger, neighbours first. Each is scaled so that (v u)^2
/// has the mean 0.2^2, of the second moments (n, n) of u; beyond m (m + 1) / 2 they return, larger.
std::vector<double> pair_directions(std::span<const double> rows, std::span<const double> moments,
                                    std::size_t n, std::size_t count);

}  // namespace spnode::core
