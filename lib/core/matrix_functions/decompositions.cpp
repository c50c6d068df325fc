#include "core/matrix_functions/decompositions.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

extern "C" {
void dgees_(const char*, const char*, int (*)(const double*, const double*), const int*, double*, const int*,
            int*, double*, double*, double*, const int*, double*, const int*, int*, int*);
void dtrsyl_(const char*, const char*, const int*, const int*, const int*, const double*, const int*,
             const double*, const int*, double*, const int*, double*, int*);
void dpotrf_(const char*, const int*, double*, const int*, int*);
void dpotrs_(const char*, const int*, const int*, const double*, const int*, double*, const int*, int*);
void dsyev_(const char*, const char*, const int*, double*, const int*, double*, double*, const int*, int*);
}

namespace spnode::core {

namespace {

/// The transpose: LAPACK reads arrays by columns.
std::vector<double> by_columns(HostOperand a) {
  std::vector<double> t(a.rows * a.cols);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.cols; ++j) t[j * a.rows + i] = a.data[i * a.cols + j];
  return t;
}

HostOperand view(const std::vector<double>& a, std::size_t n) {
  return square(std::span<const double>(a), n);
}

}  // namespace

RealSchur real_schur(HostOperand a) {
  const int n = static_cast<int>(a.rows), size = std::max(1, 64 * n);
  std::vector<double> T = by_columns(a), Z(T.size()), real(a.rows), imaginary(a.rows), work(size);
  int selected = 0, info = 0;
  dgees_("V", "N", nullptr, &n, T.data(), &n, &selected, real.data(), imaginary.data(), Z.data(), &n,
         work.data(), &size, nullptr, &info);
  if (info != 0) throw NumericalError("Schur form: LAPACK's dgees failed");
  return {by_columns(view(T, a.rows)), by_columns(view(Z, a.rows))};
}

void limit_real_parts(std::span<double> A, double most) {
  const std::size_t n = static_cast<std::size_t>(std::lround(std::sqrt(double(A.size()))));
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

std::vector<double> solve_lyapunov(const RealSchur& A, std::span<const double> Q) {
  // In the basis Z: T^T X + X T = -Z^T Q Z.
  const std::size_t n = static_cast<std::size_t>(std::lround(std::sqrt(double(Q.size()))));
  std::vector<double> half(n * n), X(n * n);
  multiply(1.0, square(Q, n), view(A.Z, n), 0.0, square(std::span(half), n));
  multiply(-1.0, transposed(view(A.Z, n)), view(half, n), 0.0, square(std::span(X), n));
  const std::vector<double> T = by_columns(view(A.T, n));
  const int order = static_cast<int>(n), sign = 1;
  int info = 0;
  double scale = 1.0;
  dtrsyl_("T", "N", &sign, &order, &order, T.data(), &order, T.data(), &order, X.data(), &order, &scale,
          &info);
  multiply(1.0 / scale, view(A.Z, n), view(X, n), 0.0, square(std::span(half), n));
  multiply(1.0, view(half, n), transposed(view(A.Z, n)), 0.0, square(std::span(X), n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) X[i * n + j] = X[j * n + i] = 0.5 * (X[i * n + j] + X[j * n + i]);
  if (info < 0 || !std::ranges::all_of(X, [](double x) { return std::isfinite(x); }))
    throw NumericalError("Lyapunov equation: its solution is not finite");
  return X;
}

bool cholesky(HostMatrix a) {
  // The lower triangle by rows is the upper one by columns.
  const int n = static_cast<int>(a.rows);
  int info = 0;
  dpotrf_("U", &n, a.data, &n, &info);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = i + 1; j < a.rows; ++j) a.data[i * a.rows + j] = 0.0;
  return info == 0;
}

void cholesky_solve(HostOperand L, HostMatrix b) {
  const int n = static_cast<int>(L.rows), columns = static_cast<int>(b.cols);
  std::vector<double> x = by_columns(b);
  int info = 0;
  dpotrs_("U", &n, &columns, L.data, &n, x.data(), &n, &info);
  for (std::size_t i = 0; i < b.rows; ++i)
    for (std::size_t j = 0; j < b.cols; ++j) b.data[i * b.cols + j] = x[j * b.rows + i];
}

std::vector<double> symmetric_eigen(HostMatrix a) {
  const int n = static_cast<int>(a.rows), size = std::max(1, 64 * n);
  std::vector<double> values(a.rows), work(size);
  int info = 0;
  dsyev_("V", "U", &n, a.data, &n, values.data(), work.data(), &size, &info);
  if (info != 0) throw NumericalError("eigenvalues of a symmetric matrix: LAPACK's dsyev failed");
  return values;
}

double spectral_norm(HostOperand a) {
  const bool wide = a.rows < a.cols;
  const std::size_t n = std::min(a.rows, a.cols);
  std::vector<double> gram(n * n);
  const HostOperand other = transposed(a);
  multiply(1.0, wide ? a : other, wide ? other : a, 0.0, square(std::span<double>(gram), n));
  return std::sqrt(std::max(0.0, symmetric_eigen(square(std::span<double>(gram), n)).back()));
}

}  // namespace spnode::core
