#pragma once
/// Dense linear algebra on the host: thin, allocation-free wrappers of BLAS and LAPACK for row-major arrays.
///
/// For the n x n matrices of the model (once per parameter update), not for batches of lanes; those have
/// core/kernels/gemm.hpp. Not collective.

#include <cstddef>
#include <span>

namespace spnode::core {

/// A row-major matrix on the host, not owned.
struct HostMatrix {
  double* data;
  std::size_t rows, cols;
};

/// An operand of a product: a row-major matrix, used as it is or transposed. rows and cols are as stored.
struct HostOperand {
  HostOperand(const double* entries, std::size_t row_count, std::size_t col_count, bool transpose = false)
      : data(entries), rows(row_count), cols(col_count), is_transposed(transpose) {}
  HostOperand(const HostMatrix& matrix) : HostOperand(matrix.data, matrix.rows, matrix.cols) {}

  const double* data;
  std::size_t rows, cols;
  bool is_transposed;
};

/// Square matrices of the given order.
HostMatrix square(std::span<double> entries, std::size_t n);
HostOperand square(std::span<const double> entries, std::size_t n);

/// The same entries, to be used as the transpose.
HostOperand transposed(HostOperand matrix);

/// c = alpha a b + beta c (dgemm). c must not overlap a or b; with beta = 0 its old values are not read.
void multiply(double alpha, HostOperand a, HostOperand b, double beta, HostMatrix c);

/// a = inverse of a, in place, by LU with partial pivoting (dgetrf, dgetri).
/// pivots: (n); work: at least (n), 64 n is faster. Raises NumericalError where a pivot is exactly zero or
/// the inverse is not finite; `what` names the matrix in the message.
void invert(HostMatrix a, std::span<int> pivots, std::span<double> work, const char* what);

/// Largest column sum of absolute values; NaN where an entry is NaN.
double one_norm(HostOperand a);

/// Lower bound of the 1-norm of a^power, nearly always within a factor of three and mostly exact, from a few
/// products with vectors (dlacn2: Higham, ACM TOMS 14, 1988). work: at least (4 n); sign: (n).
double power_one_norm(HostOperand a, std::size_t power, std::span<double> work, std::span<int> sign);

/// sum of the diagonal.
double trace(HostOperand a);

/// Adds value to every entry of the diagonal.
void add_to_diagonal(HostMatrix a, double value);

/// y += alpha x.
void add_scaled(double alpha, std::span<const double> x, std::span<double> y);

}  // namespace spnode::core
