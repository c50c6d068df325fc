#pragma once
/// A polynomial of a dense matrix by the method of Paterson and Stockmeyer, with adjoint and tangent.

#include "core/matrix_functions/double_double.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// P(Z) = sum_{k=0}^{16} c_k Z^k in six products: with B_j = sum_{i=0}^{3} c_{4j+i} Z^i,
/// Y_3 = B_3 + c_16 Z^4, Y_j = Z^4 Y_{j+1} + B_j, P = Y_0 (Paterson, Stockmeyer, SIAM J. Comput. 2, 1973).
/// Scalar: double or DoubleDouble. All matrices are n x n, row major, on the host. All memory is allocated by
/// the constructor. Not collective.
template <class Scalar>
class MatrixPolynomial {
 public:
  static constexpr std::size_t degree = 16;
  using Coefficients = std::array<Scalar, degree + 1>;

  MatrixPolynomial(std::size_t n, const Coefficients& coefficients);

  /// The matrix Z, to be set before evaluate().
  std::span<Scalar> argument() { return part(powers_, 0); }

  void evaluate();
  std::span<const Scalar> value() const { return part(horner_, 0); }

  /// z_bar += the adjoint of evaluate() for the adjoint `bar` of value().
  void vjp(std::span<const Scalar> bar, std::span<Scalar> z_bar);

  /// out = the tangent of evaluate() in the direction z_dot.
  void jvp(std::span<const Scalar> z_dot, std::span<Scalar> out);

 private:
  static constexpr std::size_t block = 4;
  using Parts = std::vector<Scalar>;  ///< four matrices

  std::span<Scalar> part(Parts& parts, std::size_t i) {
    return std::span(parts).subspan(i * n_ * n_, n_ * n_);
  }
  std::span<const Scalar> part(const Parts& parts, std::size_t i) const {
    return std::span(parts).subspan(i * n_ * n_, n_ * n_);
  }

  std::size_t n_;
  Coefficients coefficients_;
  Parts powers_;  ///< Z, Z^2, Z^3, Z^4
  Parts horner_;  ///< Y_0 .. Y_3
  Parts power_bars_, power_dots_;
  std::vector<Scalar> work_[2];
};

extern template class MatrixPolynomial<double>;
extern template class MatrixPolynomial<DoubleDouble>;

}  // namespace spnode::core
