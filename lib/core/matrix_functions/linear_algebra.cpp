#include "core/matrix_functions/linear_algebra.hpp"

#include "core/matrix_functions/packed_product.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

extern "C" {
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*,
            const int*, const double*, const int*, const double*, double*, const int*);
void dgemv_(const char*, const int*, const int*, const double*, const double*, const int*, const double*,
            const int*, const double*, double*, const int*);
void dgetrf_(const int*, const int*, double*, const int*, int*, int*);
void dgetri_(const int*, double*, const int*, const int*, double*, const int*, int*);
void dlacn2_(const int*, double*, double*, int*, double*, int*, int*);
}

namespace spnode::core {

HostMatrix square(std::span<double> entries, std::size_t n) { return {entries.data(), n, n}; }
HostOperand square(std::span<const double> entries, std::size_t n) { return {entries.data(), n, n}; }

HostOperand transposed(HostOperand matrix) {
  return {matrix.data, matrix.rows, matrix.cols, !matrix.is_transposed};
}

namespace {

constexpr std::size_t largest_small = 64;

// For matrices of up to 64 rows and columns, where the call of a BLAS costs as much as the product.
void multiply_small(double alpha, HostOperand a, HostOperand b, double beta, HostMatrix c) {
  const std::size_t depth = b.is_transposed ? b.cols : b.rows;
  if (beta != 1.0)
    for (std::size_t i = 0; i < c.rows * c.cols; ++i) c.data[i] = beta == 0.0 ? 0.0 : beta * c.data[i];
  add_packed_product({c.rows, depth, c.cols, alpha},
                     {a.data, a.is_transposed ? 1 : a.cols, a.is_transposed ? a.cols : 1},
                     {b.data, b.is_transposed ? 1 : b.cols, b.is_transposed ? b.cols : 1}, c.data, c.cols);
}

}  // namespace

void multiply(double alpha, HostOperand a, HostOperand b, double beta, HostMatrix c) {
  if (std::max({a.rows, a.cols, b.rows, b.cols}) <= largest_small)
    return multiply_small(alpha, a, b, beta, c);
  // Row-major c = a b is column-major c^T = b^T a^T, and a row-major array read by columns is its transpose.
  const char op_a = a.is_transposed ? 'T' : 'N', op_b = b.is_transposed ? 'T' : 'N';
  const int m = static_cast<int>(c.cols), n = static_cast<int>(c.rows);
  const int k = static_cast<int>(a.is_transposed ? a.rows : a.cols);
  const int lda = static_cast<int>(a.cols), ldb = static_cast<int>(b.cols);
  dgemm_(&op_b, &op_a, &m, &n, &k, &alpha, b.data, &ldb, a.data, &lda, &beta, c.data, &m);
}

void invert(HostMatrix a, std::span<int> pivots, std::span<double> work, const char* what) {
  // The inverse of the transpose is the transpose of the inverse, so the storage order does not matter.
  const int n = static_cast<int>(a.rows), size = static_cast<int>(work.size());
  int info = 0;
  dgetrf_(&n, &n, a.data, &n, pivots.data(), &info);
  if (info == 0) dgetri_(&n, a.data, &n, pivots.data(), work.data(), &size, &info);
  if (info > 0)
    throw NumericalError(std::string(what) + " is singular: pivot " + std::to_string(info) + " of " +
                         std::to_string(n) + " is zero");
  const std::span<const double> inverse(a.data, a.rows * a.cols);
  if (!std::all_of(inverse.begin(), inverse.end(), [](double x) { return std::isfinite(x); }))
    throw NumericalError(std::string(what) + " has no finite inverse");
}

double one_norm(HostOperand a) {
  const std::size_t outer = a.is_transposed ? a.rows : a.cols, inner = a.is_transposed ? a.cols : a.rows;
  const std::size_t outer_stride = a.is_transposed ? a.cols : 1, inner_stride = a.is_transposed ? 1 : a.cols;
  double norm = 0.0;
  for (std::size_t j = 0; j < outer; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < inner; ++i) sum += std::abs(a.data[j * outer_stride + i * inner_stride]);
    if (std::isnan(sum)) return sum;
    norm = std::max(norm, sum);
  }
  return norm;
}

void multiply(HostOperand a, std::span<const double> x, std::span<double> y) {
  const int m = static_cast<int>(a.cols), n = static_cast<int>(a.rows), one = 1;
  const double alpha = 1.0, beta = 0.0;
  const char op = a.is_transposed ? 'N' : 'T';  // row-major storage swaps the two
  dgemv_(&op, &m, &n, &alpha, a.data, &m, x.data(), &one, &beta, y.data(), &one);
}

double power_one_norm(const VectorProduct& product, std::size_t power, std::span<double> work,
                      std::span<int> sign) {
  const std::size_t order = sign.size();
  const int n = static_cast<int>(order);
  const std::span<double> v = work.first(order), x = work.subspan(order, order),
                          y = work.subspan(2 * order, order);
  double estimate = 0.0;
  int request = 0, state[3] = {0, 0, 0};
  for (;;) {
    dlacn2_(&n, v.data(), x.data(), sign.data(), &estimate, &request, state);
    if (request == 0) return estimate;
    for (std::size_t i = 0; i < power; ++i) {  // request 1: x = A^power x; 2: with the transpose
      product(request == 2, x, y);
      std::copy(y.begin(), y.end(), x.begin());
    }
  }
}

double trace(HostOperand a) {
  double sum = 0.0;
  for (std::size_t i = 0; i < std::min(a.rows, a.cols); ++i) sum += a.data[i * (a.cols + 1)];
  return sum;
}

void add_to_diagonal(HostMatrix a, double value) {
  for (std::size_t i = 0; i < std::min(a.rows, a.cols); ++i) a.data[i * (a.cols + 1)] += value;
}

void add_scaled(double alpha, std::span<const double> x, std::span<double> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] += alpha * x[i];
}

}  // namespace spnode::core
