#include "core/matrix_functions/structured_matrix.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spnode::core {
namespace {

void multiply_blocks(const StructuredMatrix& A, Side side, std::span<const double> x, std::span<double> y) {
  const std::size_t upper = side == Side::plain ? 1 : 2, lower = 3 - upper;
  for (std::size_t pair = 0; pair < A.shape.pairs(); ++pair) {
    const double* const B = A.block(pair);
    const double first = x[2 * pair], second = x[2 * pair + 1];
    y[2 * pair] = B[0] * first + B[upper] * second;
    y[2 * pair + 1] = B[lower] * first + B[3] * second;
  }
  if (A.shape.has_single()) y.back() = A.entries.back() * x.back();
}

void multiply_low_rank(const StructuredMatrix& A, Side side, std::span<const double> x, std::span<double> y) {
  const std::size_t columns = A.shape.columns();
  const double* const F = A.factors().data();
  std::vector<double> z(columns, 0.0);
  for (std::size_t i = 0; i < A.shape.n; ++i)
    for (std::size_t k = 0; k < columns; ++k) z[k] += F[i * columns + k] * x[i];
  turn(side, z);
  for (std::size_t i = 0; i < A.shape.n; ++i) {
    double sum = A.diagonal()[i] * x[i];
    for (std::size_t k = 0; k < columns; ++k) sum += F[i * columns + k] * z[k];
    y[i] = sum;
  }
}

/// Columns of a matrix of low_rank, bounded by the triangle inequality.
double one_norm_of_low_rank(const StructuredMatrix& A, double shift) {
  const std::size_t columns = A.shape.columns(), r = A.shape.rank;
  const double* const F = A.factors().data();
  std::vector<double> sums(columns, 0.0);  // of |F J|: J moves columns and changes signs
  for (std::size_t i = 0; i < A.shape.n; ++i)
    for (std::size_t k = 0; k < columns; ++k) sums[k] += std::abs(F[i * columns + k]);
  for (std::size_t k = r; k < 2 * r; ++k) std::swap(sums[k], sums[k + r]);
  double norm = 0.0;
  for (std::size_t j = 0; j < A.shape.n; ++j) {
    double sum = std::abs(A.diagonal()[j] - shift);
    for (std::size_t k = 0; k < columns; ++k) sum += std::abs(F[j * columns + k]) * sums[k];
    if (std::isnan(sum)) return sum;
    norm = std::max(norm, sum);
  }
  return norm;
}

double one_norm_of_blocks(const StructuredMatrix& A, double shift) {
  double norm = A.shape.has_single() ? std::abs(A.entries.back() - shift) : 0.0;
  for (std::size_t pair = 0; pair < A.shape.pairs(); ++pair) {
    const double* const B = A.block(pair);
    const double first = std::abs(B[0] - shift) + std::abs(B[2]),
                 second = std::abs(B[1]) + std::abs(B[3] - shift);
    if (std::isnan(first + second)) return first + second;
    norm = std::max({norm, first, second});
  }
  return norm;
}

double one_norm_of_dense(const StructuredMatrix& A, double shift) {
  const std::size_t n = A.shape.n;
  std::vector<double> sums(n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) sums[j] += std::abs(A.entries[i * n + j] - (i == j ? shift : 0.0));
  double norm = 0.0;
  for (const double sum : sums) {
    if (std::isnan(sum)) return sum;
    norm = std::max(norm, sum);
  }
  return norm;
}

double sum_of_squares(std::span<const double> x) {
  return std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
}

/// ||diag(d) + F J F^T||_F^2 = sum d^2 + 2 sum_i d_i (F J F^T)_ii + tr(J^T G J G) with G = F^T F.
double frobenius_norm_of_low_rank(const StructuredMatrix& A) {
  const std::size_t q = A.shape.columns(), n = A.shape.n, r = A.shape.rank;
  const double* const F = A.factors().data();
  double squares = sum_of_squares(A.diagonal());
  for (std::size_t i = 0; i < n; ++i)  // V W^T - W V^T has no diagonal
    squares -= 2.0 * A.diagonal()[i] * sum_of_squares(std::span(F + i * q, r));
  std::vector<double> G(q * q), JG(q * q), column(q);
  const HostOperand factors(F, n, q);
  multiply(1.0, transposed(factors), factors, 0.0, square(std::span(G), q));
  const auto turned_columns = [&](const std::vector<double>& from, std::vector<double>& to) {
    for (std::size_t k = 0; k < q; ++k) {
      for (std::size_t i = 0; i < q; ++i) column[i] = from[i * q + k];
      turn(Side::plain, column);
      for (std::size_t i = 0; i < q; ++i) to[i * q + k] = column[i];
    }
  };
  turned_columns(G, JG);
  std::vector<double> GJG(q * q);
  multiply(1.0, square(std::span<const double>(G), q), square(std::span<const double>(JG), q), 0.0,
           square(std::span(GJG), q));
  for (std::size_t i = 0; i < q; ++i) {
    for (std::size_t k = 0; k < q; ++k) column[k] = GJG[k * q + i];
    turn(Side::transposed, column);
    squares += column[i];
  }
  return std::sqrt(std::max(squares, 0.0));
}

[[noreturn]] void refuse_function() {
  throw Error(ExitStatus::internal_error, "an operator that depends on the state is no matrix");
}

}  // namespace

std::size_t LinearShape::coefficient_count() const {
  switch (structure) {
    case LinearStructure::dense:
      return n * n;
    case LinearStructure::block_diagonal:
      return 4 * pairs() + (has_single() ? 1 : 0);
    case LinearStructure::low_rank:
      return n * (1 + columns());
    case LinearStructure::state_dependent:
      return function_coefficients;
    case LinearStructure::none:
      break;
  }
  return 0;
}

void turn(Side side, std::span<double> z) {
  const std::size_t r = z.size() / 3;
  const double sign = side == Side::plain ? 1.0 : -1.0;
  for (std::size_t k = 0; k < r; ++k) {
    z[k] = -z[k];
    const double second = z[r + k];
    z[r + k] = sign * z[2 * r + k];
    z[2 * r + k] = -sign * second;
  }
}

void multiply(const StructuredMatrix& A, Side side, std::span<const double> x, std::span<double> y) {
  switch (A.shape.structure) {
    case LinearStructure::dense: {
      const HostOperand matrix = square(A.entries, A.shape.n);
      return multiply(side == Side::plain ? matrix : transposed(matrix), x, y);
    }
    case LinearStructure::block_diagonal:
      return multiply_blocks(A, side, x, y);
    case LinearStructure::low_rank:
      return multiply_low_rank(A, side, x, y);
    case LinearStructure::state_dependent:
      refuse_function();
    case LinearStructure::none:
      std::ranges::fill(y, 0.0);
  }
}

std::vector<double> to_dense(const StructuredMatrix& A) {
  if (A.shape.structure == LinearStructure::dense) return {A.entries.begin(), A.entries.end()};
  const std::size_t n = A.shape.n;
  std::vector<double> dense(n * n), unit(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {  // row i is A^T e_i
    unit[i] = 1.0;
    multiply(A, Side::transposed, unit, std::span(dense).subspan(i * n, n));
    unit[i] = 0.0;
  }
  return dense;
}

double trace(const StructuredMatrix& A) {
  double sum = 0.0;
  switch (A.shape.structure) {
    case LinearStructure::dense:
      return trace(square(A.entries, A.shape.n));
    case LinearStructure::block_diagonal:
      for (std::size_t pair = 0; pair < A.shape.pairs(); ++pair) sum += A.block(pair)[0] + A.block(pair)[3];
      return A.shape.has_single() ? sum + A.entries.back() : sum;
    case LinearStructure::low_rank:
      for (std::size_t i = 0; i < A.shape.n; ++i)
        sum += A.diagonal()[i] - sum_of_squares(A.factors().subspan(i * A.shape.columns(), A.shape.rank));
      break;
    case LinearStructure::state_dependent:
      refuse_function();
    case LinearStructure::none:
      break;
  }
  return sum;
}

double one_norm(const StructuredMatrix& A, double shift) {
  switch (A.shape.structure) {
    case LinearStructure::dense:
      return one_norm_of_dense(A, shift);
    case LinearStructure::block_diagonal:
      return one_norm_of_blocks(A, shift);
    case LinearStructure::none:
      return std::abs(shift);
    case LinearStructure::state_dependent:
      refuse_function();
    case LinearStructure::low_rank:
      break;
  }
  return one_norm_of_low_rank(A, shift);
}

double frobenius_norm(const StructuredMatrix& A) {
  if (A.shape.structure == LinearStructure::state_dependent) refuse_function();
  if (A.shape.structure == LinearStructure::low_rank) return frobenius_norm_of_low_rank(A);
  double largest = 0.0, sum = 0.0;
  for (const double x : A.entries) largest = std::max(largest, std::abs(x));
  if (largest == 0.0) return 0.0;
  for (const double x : A.entries) sum += (x / largest) * (x / largest);
  return largest * std::sqrt(sum);
}

}  // namespace spnode::core
