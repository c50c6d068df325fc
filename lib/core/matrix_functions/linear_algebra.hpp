#pragma once
/// Dense linear algebra on the host: thin, allocation-free wrappers of BLAS and LAPACK for row-major arrays.
///
/// For the n x n matrices of the model (once per parameter update), not for batches of lanes; those have
/// core/kernels/gemm.hpp. Not collective.

#include "core/matrix_functions/double_double.hpp"

#include <cstddef>
#include <functional>
#include <span>

namespace spnode::core {

/// A row-major matrix on the host, not owned. Scalar: double or DoubleDouble.
template <class Scalar>
struct BasicHostMatrix {
  Scalar* data;
  std::size_t rows, cols;
};

/// An operand of a product: a row-major matrix, used as it is or transposed. rows and cols are as stored.
template <class Scalar>
struct BasicHostOperand {
  BasicHostOperand(const Scalar* entries, std::size_t row_count, std::size_t col_count,
                   bool transpose = false)
      : data(entries), rows(row_count), cols(col_count), is_transposed(transpose) {}
  BasicHostOperand(const BasicHostMatrix<Scalar>& matrix)
      : BasicHostOperand(matrix.data, matrix.rows, matrix.cols) {}

  const Scalar* data;
  std::size_t rows, cols;
  bool is_transposed;
};

using HostMatrix = BasicHostMatrix<double>;
using HostOperand = BasicHostOperand<double>;
using WideMatrix = BasicHostMatrix<DoubleDouble>;
using WideOperand = BasicHostOperand<DoubleDouble>;

/// Square matrices of the given order.
HostMatrix square(std::span<double> entries, std::size_t n);
HostOperand square(std::span<const double> entries, std::size_t n);
WideMatrix square(std::span<DoubleDouble> entries, std::size_t n);
WideOperand square(std::span<const DoubleDouble> entries, std::size_t n);

/// The same entries, to be used as the transpose.
HostOperand transposed(HostOperand matrix);
WideOperand transposed(WideOperand matrix);

/// c = alpha a b + beta c. c must not overlap a or b; with beta = 0 its old values are not read.
/// In double by dgemm, small ones by the register tiles of kernels/; in twice the precision by compensated
/// sums.
void multiply(double alpha, HostOperand a, HostOperand b, double beta, HostMatrix c);
void multiply(double alpha, WideOperand a, WideOperand b, double beta, WideMatrix c);

/// a = inverse of a, in place, by LU with partial pivoting (dgetrf, dgetri).
/// pivots: (n); work: at least (n), 64 n is faster. Raises NumericalError where a pivot is exactly zero or
/// the inverse is not finite; `what` names the matrix in the message.
void invert(HostMatrix a, std::span<int> pivots, std::span<double> work, const char* what);

/// Largest column sum of absolute values; NaN where an entry is NaN.
double one_norm(HostOperand a);

/// y = a x (dgemv). x, y: vectors that do not overlap.
void multiply(HostOperand a, std::span<const double> x, std::span<double> y);

/// y = A x, or A^T x where `transpose` is not 0, of vectors that do not overlap.
using VectorProduct = std::function<void(bool transpose, std::span<const double> x, std::span<double> y)>;

/// Lower bound of the 1-norm of A^power, A of order n, nearly always within a factor of three and mostly
/// exact, from a few products with vectors (dlacn2: Higham, ACM TOMS 14, 1988). work: at least (3 n); sign:
/// (n).
double power_one_norm(const VectorProduct& product, std::size_t power, std::span<double> work,
                      std::span<int> sign);

/// sum of the diagonal.
double trace(HostOperand a);

/// Adds value to every entry of the diagonal.
void add_to_diagonal(HostMatrix a, double value);
void add_to_diagonal(WideMatrix a, DoubleDouble value);

/// y += alpha x.
void add_scaled(double alpha, std::span<const double> x, std::span<double> y);
void add_scaled(DoubleDouble alpha, std::span<const DoubleDouble> x, std::span<DoubleDouble> y);

}  // namespace spnode::core
