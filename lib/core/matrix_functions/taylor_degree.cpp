#include "core/matrix_functions/taylor_degree.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/matrix_functions/phi_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

namespace spnode::core {

namespace {

/// theta_m: the largest norm for which degree m has a relative backward error below 2^-53.
struct Theta {
  std::size_t m;
  double value;
};
constexpr Theta thetas[] = {
    {1, 2.29e-16}, {2, 2.58e-8},  {3, 1.39e-5},  {4, 3.40e-4},  {5, 2.40e-3},  {6, 9.07e-3},  {7, 2.38e-2},
    {8, 5.00e-2},  {9, 8.96e-2},  {10, 1.44e-1}, {11, 2.14e-1}, {12, 3.00e-1}, {13, 4.00e-1}, {14, 5.14e-1},
    {15, 6.41e-1}, {16, 7.81e-1}, {17, 9.31e-1}, {18, 1.09},    {19, 1.26},    {20, 1.44},    {21, 1.62},
    {22, 1.82},    {23, 2.01},    {24, 2.22},    {25, 2.43},    {26, 2.64},    {27, 2.86},    {28, 3.08},
    {29, 3.31},    {30, 3.54},    {35, 4.7},     {40, 6.0},     {45, 7.2},     {50, 8.5},     {55, 9.9}};
static_assert(std::size(thetas) == 35 && thetas[34].m == largest_taylor_degree);
constexpr double most_scalings = 1e6;
/// Time of PhiFunctions in twice the precision over that in double.
constexpr double wide_slowdown = 10.0;

/// The smallest of the norms that bound a series of degree m.
double smallest_norm(const PowerNorms& norms, std::size_t m) {
  double smallest = norms.alpha[1];
  for (std::size_t p = 2; p <= PowerNorms::largest && p * (p - 1) <= m + 1; ++p)
    smallest = std::min(smallest, norms.alpha[p]);
  return smallest;
}

}  // namespace

PowerNorms power_norms(const StructuredMatrix& A, double shift) {
  const std::size_t n = A.shape.n;
  std::vector<double> work(3 * n);
  std::vector<int> sign(n);
  const VectorProduct product = [&](bool transpose, std::span<const double> x, std::span<double> y) {
    multiply(A, transpose ? Side::transposed : Side::plain, x, y);
    if (shift != 0.0) add_scaled(-shift, x, y);
  };
  PowerNorms norms;
  norms.alpha[1] = one_norm(A, shift);
  if (!std::isfinite(norms.alpha[1]) || norms.alpha[1] == 0.0) return norms;
  double root[PowerNorms::largest + 2] = {};
  for (std::size_t p = 2; p <= PowerNorms::largest + 1; ++p)
    root[p] = std::pow(power_one_norm(product, p, work, sign), 1.0 / static_cast<double>(p));
  for (std::size_t p = 2; p <= PowerNorms::largest; ++p) {
    const double bound = std::max(root[p], root[p + 1]);
    norms.alpha[p] = std::isfinite(bound) ? bound : norms.alpha[1];  // the power overflowed
  }
  return norms;
}

TaylorDegree choose_degree(const PowerNorms& norms, double step, std::size_t terms) {
  TaylorDegree best;
  double fewest = std::numeric_limits<double>::infinity();
  const double least = std::max(std::abs(step) * norms.floor, terms > 0 ? 1.0 : 0.0);
  for (const Theta& theta : thetas) {
    const double norm = std::max(std::abs(step) * smallest_norm(norms, theta.m), least);
    const double s = std::max(1.0, std::ceil(norm / theta.value)), cost = s * static_cast<double>(theta.m);
    if (s <= most_scalings && cost <= fewest) {
      fewest = cost;
      best = {theta.m, static_cast<std::size_t>(s)};
    }
  }
  return best;
}

double dense_update_cost(std::size_t n, std::size_t terms, double norm) {
  const double order = static_cast<double>(n), top = static_cast<double>(std::max<std::size_t>(terms, 1));
  const double squarings = norm > 0.9 ? std::ceil(std::log2(norm / 0.9)) : 0.0;
  const double products = 6.0 + top + squarings * static_cast<double>(terms + 1);
  const double slower = norm > PhiFunctions::amplification_limit ? wide_slowdown : 1.0;
  return slower * 3.0 * products * 2.0 * order * order * order;  // the adjoint costs two products for each
}

double dense_lane_cost(std::size_t n, std::size_t terms) {
  const double order = static_cast<double>(n);
  return 3.0 * static_cast<double>(terms + 1) * 2.0 * order * order;
}

double tabulated_lane_cost(std::size_t n, std::size_t terms, double norm) {
  constexpr double series = 14.0, at_once = 0.5;  // its terms; the speed of products with single vectors
  const double order = static_cast<double>(n), units = norm / PhiNodes::unit_norm;
  const double digits = units > 1.0 ? std::floor(std::log2(units) / 3.0) + 1.0 : 0.0;
  const double links = digits * static_cast<double>(PhiNodes::digits) / PhiNodes::base;
  // Forward twice, the adjoint costs two products for each.
  return 4.0 * 2.0 * order * order * (links * static_cast<double>(terms + 1) / at_once + series);
}

double taylor_lane_cost(std::size_t n, std::size_t terms, const TaylorDegree& degree) {
  if (degree.m == 0) return std::numeric_limits<double>::infinity();
  const double order = static_cast<double>(n);
  const double term = 2.0 * order * (order + static_cast<double>(terms) + 2.0);
  // apply; in vjp the states again (for s > 1), the terms again, and two products for each
  const double sweeps = degree.s > 1 ? 5.0 : 4.0;
  return sweeps * static_cast<double>(degree.m * degree.s) * term;
}

}  // namespace spnode::core
