#pragma once
/// Matrices and reference values for the tests of core/functions.

#include "core/support/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace spnode::test {

using Array = std::vector<double>;

/// Normal entries times scale.
inline Array random_array(std::size_t size, std::string_view name, double scale = 1.0) {
  const core::Random random(7, name);
  Array entries(size);
  for (std::size_t i = 0; i < size; ++i) entries[i] = scale * random.normal(i);
  return entries;
}

inline double dot(std::span<const double> x, std::span<const double> y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

inline double largest(std::span<const double> x) {
  double size = 0.0;
  for (const double entry : x) size = std::isnan(entry) ? entry : std::max(size, std::abs(entry));
  return size;
}

/// Largest entry of x - y over the largest of y.
inline double relative_error(std::span<const double> x, std::span<const double> y) {
  Array difference(x.begin(), x.end());
  for (std::size_t i = 0; i < x.size(); ++i) difference[i] -= y[i];
  return largest(difference) / std::max(largest(y), 1e-300);
}

inline Array matrix_product(const Array& a, const Array& b, std::size_t n) {
  Array c(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
  return c;
}

/// -M M^T / n - 0.05 I + K - K^T: its numerical range lies left of -0.05. Scaled to the given 1-norm.
inline Array random_hurwitz(std::size_t n, double norm, std::string_view name = "hurwitz") {
  const Array m = random_array(n * n, name), k = random_array(n * n, "rotation", 0.3);
  Array a(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::size_t l = 0; l < n; ++l) sum += m[i * n + l] * m[j * n + l];
      a[i * n + j] = -sum / static_cast<double>(n) - (i == j ? 0.05 : 0.0) + k[i * n + j] - k[j * n + i];
    }
  double size = 0.0;
  for (std::size_t j = 0; j < n; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += std::abs(a[i * n + j]);
    size = std::max(size, sum);
  }
  for (double& entry : a) entry *= norm / size;
  return a;
}

/// phi_0 .. phi_3 of step * a, in 80-bit arithmetic, as the first block row of the exponential of
/// [[Z, I, 0, 0], [0, 0, I, 0], [0, 0, 0, I], [0, 0, 0, 0]] by its Taylor series, scaled and squared.
inline std::array<Array, 4> reference_phi(std::span<const double> a, std::size_t n, double step) {
  using Long = std::vector<long double>;
  const std::size_t order = 4 * n;
  const auto times = [order](const Long& x, const Long& y) {
    Long z(order * order, 0.0L);
    for (std::size_t i = 0; i < order; ++i)
      for (std::size_t k = 0; k < order; ++k)
        if (const long double factor = x[i * order + k]; factor != 0.0L)
          for (std::size_t j = 0; j < order; ++j) z[i * order + j] += factor * y[k * order + j];
    return z;
  };
  int squarings = 0;
  for (double norm = std::abs(step) * largest(a) * static_cast<double>(n) + 1.0; norm > 0.25; norm /= 2)
    ++squarings;
  Long z(order * order, 0.0L);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      z[i * order + j] = std::ldexp(static_cast<long double>(a[i * n + j]) * step, -squarings);
  for (std::size_t i = 0; i < 3 * n; ++i) z[i * order + n + i] = std::ldexp(1.0L, -squarings);
  Long exponential(order * order, 0.0L), power;
  for (std::size_t i = 0; i < order; ++i) exponential[i * (order + 1)] = 1.0L;
  power = exponential;
  for (int k = 1; k < 20; ++k) {
    power = times(power, z);
    for (long double& entry : power) entry /= k;
    for (std::size_t i = 0; i < power.size(); ++i) exponential[i] += power[i];
  }
  for (int i = 0; i < squarings; ++i) exponential = times(exponential, exponential);
  std::array<Array, 4> phi;
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        phi[k].push_back(static_cast<double>(exponential[i * order + k * n + j]));
  return phi;
}

/// phi_k of a real number, from its Taylor series or downward from expm1.
inline double scalar_phi(std::size_t k, double z) {
  long double term = 1.0L, sum = 0.0L, factorial = 1.0L;
  for (std::size_t i = 2; i <= k; ++i) factorial *= static_cast<long double>(i);
  term /= factorial;
  if (std::abs(z) < 4.0) {
    for (std::size_t j = 1; j < 60; ++j) {
      sum += term;
      term *= static_cast<long double>(z) / static_cast<long double>(j + k);
    }
    return static_cast<double>(sum);
  }
  long double value = std::exp(static_cast<long double>(z));
  factorial = 1.0L;
  for (std::size_t i = 0; i < k; ++i) {
    value = (value - 1.0L / factorial) / static_cast<long double>(z);
    factorial *= static_cast<long double>(i + 1);
  }
  return static_cast<double>(value);
}

}  // namespace spnode::test
