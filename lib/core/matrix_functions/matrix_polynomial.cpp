#include "core/matrix_functions/matrix_polynomial.hpp"

#include "core/matrix_functions/linear_algebra.hpp"

#include <algorithm>

namespace spnode::core {

template <class Scalar>
MatrixPolynomial<Scalar>::MatrixPolynomial(std::size_t n, const Coefficients& coefficients)
    : n_(n),
      coefficients_(coefficients),
      powers_(block * n * n),
      horner_(block * n * n),
      power_bars_(block * n * n),
      power_dots_(block * n * n),
      work_{std::vector<Scalar>(n * n), std::vector<Scalar>(n * n)} {}

template <class Scalar>
void MatrixPolynomial<Scalar>::evaluate() {
  const auto power = [this](std::size_t i) { return square(part(powers_, i - 1), n_); };
  multiply(1.0, power(1), power(1), 0.0, power(2));
  multiply(1.0, power(2), power(1), 0.0, power(3));
  multiply(1.0, power(2), power(2), 0.0, power(4));
  for (std::size_t j = block; j-- > 0;) {
    const std::span<Scalar> y = part(horner_, j);
    std::fill(y.begin(), y.end(), Scalar(0.0));
    for (std::size_t i = 1; i < block; ++i) add_scaled(coefficients_[block * j + i], part(powers_, i - 1), y);
    add_to_diagonal(square(y, n_), coefficients_[block * j]);
    if (j == block - 1)
      add_scaled(coefficients_[degree], part(powers_, block - 1), y);
    else
      multiply(1.0, power(4), square(part(horner_, j + 1), n_), 1.0, square(y, n_));
  }
}

template <class Scalar>
void MatrixPolynomial<Scalar>::vjp(std::span<const Scalar> bar, std::span<Scalar> z_bar) {
  const auto power = [this](std::size_t i) { return square(part(powers_, i - 1), n_); };
  const auto power_bar = [this](std::size_t i) { return square(part(power_bars_, i - 1), n_); };
  std::fill(power_bars_.begin(), power_bars_.end(), Scalar(0.0));
  std::copy(bar.begin(), bar.end(), work_[0].begin());
  for (std::size_t j = 0; j < block; ++j) {  // work_[j % 2] holds the adjoint of Y_j
    const std::span<Scalar> y_bar = work_[j % 2], next_bar = work_[(j + 1) % 2];
    for (std::size_t i = 1; i < block; ++i)
      add_scaled(coefficients_[block * j + i], y_bar, part(power_bars_, i - 1));
    if (j == block - 1) {
      add_scaled(coefficients_[degree], y_bar, part(power_bars_, block - 1));
    } else {
      const BasicHostMatrix<Scalar> next = square(part(horner_, j + 1), n_);
      multiply(1.0, square(y_bar, n_), transposed(next), 1.0, power_bar(4));
      multiply(1.0, transposed(power(4)), square(y_bar, n_), 0.0, square(next_bar, n_));
    }
  }
  multiply(1.0, power_bar(4), transposed(power(2)), 1.0, power_bar(2));
  multiply(1.0, transposed(power(2)), power_bar(4), 1.0, power_bar(2));
  multiply(1.0, power_bar(3), transposed(power(1)), 1.0, power_bar(2));
  multiply(1.0, transposed(power(2)), power_bar(3), 1.0, power_bar(1));
  multiply(1.0, power_bar(2), transposed(power(1)), 1.0, power_bar(1));
  multiply(1.0, transposed(power(1)), power_bar(2), 1.0, power_bar(1));
  add_scaled(1.0, part(power_bars_, 0), z_bar);
}

template <class Scalar>
void MatrixPolynomial<Scalar>::jvp(std::span<const Scalar> z_dot, std::span<Scalar> out) {
  const auto power = [this](std::size_t i) { return square(part(powers_, i - 1), n_); };
  const auto power_dot = [this](std::size_t i) { return square(part(power_dots_, i - 1), n_); };
  std::copy(z_dot.begin(), z_dot.end(), power_dots_.begin());
  multiply(1.0, power_dot(1), power(1), 0.0, power_dot(2));
  multiply(1.0, power(1), power_dot(1), 1.0, power_dot(2));
  multiply(1.0, power_dot(2), power(1), 0.0, power_dot(3));
  multiply(1.0, power(2), power_dot(1), 1.0, power_dot(3));
  multiply(1.0, power_dot(2), power(2), 0.0, power_dot(4));
  multiply(1.0, power(2), power_dot(2), 1.0, power_dot(4));
  for (std::size_t j = block; j-- > 0;) {  // work_[j % 2] receives the tangent of Y_j
    const std::span<Scalar> y_dot = work_[j % 2], next_dot = work_[(j + 1) % 2];
    std::fill(y_dot.begin(), y_dot.end(), Scalar(0.0));
    for (std::size_t i = 1; i < block; ++i)
      add_scaled(coefficients_[block * j + i], part(power_dots_, i - 1), y_dot);
    if (j == block - 1) {
      add_scaled(coefficients_[degree], part(power_dots_, block - 1), y_dot);
    } else {
      multiply(1.0, power_dot(4), square(part(horner_, j + 1), n_), 1.0, square(y_dot, n_));
      multiply(1.0, power(4), square(next_dot, n_), 1.0, square(y_dot, n_));
    }
  }
  std::copy(work_[0].begin(), work_[0].end(), out.begin());
}

template class MatrixPolynomial<double>;
template class MatrixPolynomial<DoubleDouble>;

}  // namespace spnode::core
