#include "core/components/quadratic_rate.hpp"

#include "core/matrix_functions/decompositions.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace spnode::core {

namespace {

std::size_t order_of(std::span<const double> square_matrix) {
  return static_cast<std::size_t>(std::lround(std::sqrt(double(square_matrix.size()))));
}

/// Working space for matrices of one order.
class Roots {
 public:
  explicit Roots(std::size_t n) : n_(n), pivots_(n), work_(64 * n) {}

  HostOperand view(const std::vector<double>& X) const { return square(std::span<const double>(X), n_); }

  std::vector<double> inverse(std::vector<double> X) {
    invert(square(std::span(X), n_), pivots_, work_, "a matrix whose logarithm is wanted");
    return X;
  }

  std::vector<double> product(const std::vector<double>& X, const std::vector<double>& Y) const {
    std::vector<double> Z(n_ * n_);
    multiply(1.0, view(X), view(Y), 0.0, square(std::span(Z), n_));
    return Z;
  }

  /// ||X - I||_1.
  double distance_from_one(std::vector<double> X) const {
    add_to_diagonal(square(std::span(X), n_), -1.0);
    return one_norm(view(X));
  }

  /// X^(1/2): Y and Z tend to X^(1/2) and X^(-1/2), Y <- (Y + Z^-1) / 2, Z <- (Z + Y^-1) / 2.
  std::vector<double> square_root(const std::vector<double>& X) {
    std::vector<double> Y = X, Z(n_ * n_, 0.0);
    add_to_diagonal(square(std::span(Z), n_), 1.0);
    for (int iteration = 0; iteration < 60; ++iteration) {
      const std::vector<double> Y_inverse = inverse(Y), Z_inverse = inverse(Z);
      double change = 0.0, size = 0.0;
      for (std::size_t i = 0; i < Y.size(); ++i) {
        const double next = 0.5 * (Y[i] + Z_inverse[i]);
        change = std::max(change, std::abs(next - Y[i]));
        size = std::max(size, std::abs(next));
        Y[i] = next;
        Z[i] = 0.5 * (Z[i] + Y_inverse[i]);
      }
      if (change <= 1e-15 * size) return Y;
      if (change <= 1e-12 * size && iteration > 20) return Y;
    }
    throw NumericalError("a matrix has no real logarithm: an eigenvalue is zero or negative");
  }

 private:
  std::size_t n_;
  std::vector<int> pivots_;
  std::vector<double> work_;
};

}  // namespace

void limit_real_parts(std::span<double> A, double most) {
  const std::size_t n = order_of(A);
  RealSchur schur = real_schur(square(std::span<const double>(A), n));
  bool moved = false;
  for (std::size_t i = 0; i < n; ++i) {
    double& real_part = schur.T[i * n + i];
    moved |= real_part > most;
    real_part = std::min(real_part, most);
  }
  if (!moved) return;
  std::vector<double> half(n * n);
  multiply(1.0, square(std::span<const double>(schur.Z), n), square(std::span<const double>(schur.T), n), 0.0,
           square(std::span(half), n));
  multiply(1.0, square(std::span<const double>(half), n),
           transposed(square(std::span<const double>(schur.Z), n)), 0.0, square(A, n));
}

std::vector<double> logarithm(std::span<const double> M, double h) {
  const std::size_t n = order_of(M);
  Roots roots(n);
  std::vector<double> X(M.begin(), M.end());
  double factor = 2.0 / h;
  for (int k = 0; roots.distance_from_one(X) > 0.25; ++k) {
    if (k == 60) throw NumericalError("a matrix has no real logarithm: its roots do not tend to one");
    X = roots.square_root(X);
    factor *= 2.0;
  }
  std::vector<double> plus = X, minus = X;
  add_to_diagonal(square(std::span(plus), n), 1.0);
  add_to_diagonal(square(std::span(minus), n), -1.0);
  const std::vector<double> Y = roots.product(minus, roots.inverse(plus)), Y2 = roots.product(Y, Y);
  // |Y| < 1/7: twelve terms reach 7^-25.
  std::vector<double> power = Y, log(n * n, 0.0);
  for (int j = 0; j < 12; ++j) {
    add_scaled(factor / (2 * j + 1), power, std::span(log));
    power = roots.product(power, Y2);
  }
  return log;
}

}  // namespace spnode::core
