#pragma once
/// Small tools for tests of core.

#include "core/kernels/elementwise.hpp"
#include "core/memory/types.hpp"
#include "core/support/random.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace spnode::test {

/// Normal entries, a function of the name alone.
inline std::vector<double> random_vector(std::size_t size, std::string_view name, double scale = 1.0) {
  const core::Random random(5, name);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = scale * random.normal(i);
  return x;
}

template <class Real = double>
core::Matrix<Real> random_matrix(std::size_t rows, std::size_t lanes, std::string_view name,
                                 double scale = 1.0) {
  const std::vector<double> x = random_vector(rows * lanes, name, scale);
  core::Matrix<Real> X(std::string(name), rows, lanes);
  core::upload(x, X);
  return X;
}

template <class Real = double>
core::Vector<Real> to_device(std::span<const double> x) {
  core::Vector<Real> X("x", x.size());
  core::upload(x, X);
  return X;
}

template <class Real>
std::vector<double> to_host(const core::Vector<Real>& X) {
  std::vector<double> x(X.extent(0));
  core::download(X, x);
  return x;
}

/// An array to be read on the host: a copy where kernels work elsewhere.
template <class Array>
auto on_host(const Array& X) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), X);
}

/// X + e X_dot.
template <class Real>
core::Matrix<Real> moved(const core::Matrix<Real>& X, double e, const core::Matrix<Real>& X_dot) {
  core::Matrix<Real> sum("moved", X.extent(0), X.extent(1));
  core::scaled_copy<Real>(core::ExecSpace(), 1.0, X, sum);
  core::axpy<Real>(core::ExecSpace(), e, X_dot, sum);
  return sum;
}

/// The distance between one and the next number.
template <class Real>
constexpr double roundoff = std::numeric_limits<Real>::epsilon();

inline double dot(std::span<const double> x, std::span<const double> y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

template <class Real>
double dot(const core::Matrix<Real>& X_, const core::Matrix<Real>& Y_) {
  const auto X = on_host(X_), Y = on_host(Y_);
  double sum = 0.0;
  for (std::size_t i = 0; i < X.extent(0); ++i)
    for (std::size_t l = 0; l < X.extent(1); ++l) sum += double(X(i, l)) * double(Y(i, l));
  return sum;
}

/// Relative difference, against the larger magnitude.
inline double relative(double a, double b) {
  const double scale = std::max(std::abs(a), std::abs(b));
  return scale == 0.0 ? 0.0 : std::abs(a - b) / scale;
}

}  // namespace spnode::test
