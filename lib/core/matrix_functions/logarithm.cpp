#include "core/matrix_functions/logarithm.hpp"

#include "core/matrix_functions/decompositions.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>

using Complex = std::complex<double>;

extern "C" {
void zgees_(const char*, const char*, int (*)(const Complex*), const int*, Complex*, const int*, int*,
            Complex*, Complex*, const int*, Complex*, const int*, double*, int*, int*);
void ztrtrs_(const char*, const char*, const char*, const int*, const int*, const Complex*, const int*,
             Complex*, const int*, int*);
void zgemm_(const char*, const char*, const int*, const int*, const int*, const Complex*, const Complex*,
            const int*, const Complex*, const int*, const Complex*, Complex*, const int*);
}

namespace spnode::core {

namespace {

[[noreturn]] void refuse(const char* reason) {
  throw NumericalError(std::string("a matrix has no real logarithm: ") + reason);
}

/// Raises NumericalError where an eigenvalue is zero or negative. The real Schur form tells real eigenvalues
/// from pairs exactly: they stand alone on its diagonal.
void require_principal(std::span<const double> M, std::size_t n) {
  if (!std::ranges::all_of(M, [](double entry) { return std::isfinite(entry); }))
    refuse("an entry is not finite");
  const std::vector<double> T = real_schur(square(M, n)).T;
  for (std::size_t i = 0; i < n; ++i) {
    const bool pair = (i > 0 && T[i * n + i - 1] != 0.0) || (i + 1 < n && T[(i + 1) * n + i] != 0.0);
    if (!pair && !(T[i * n + i] > 0.0)) refuse("an eigenvalue is zero or negative");
  }
}

/// A square matrix by columns, as LAPACK wants it.
class ComplexMatrix {
 public:
  explicit ComplexMatrix(std::size_t n) : n_(n), entries_(n * n) {}

  std::size_t size() const { return n_; }
  Complex* data() { return entries_.data(); }
  const Complex* data() const { return entries_.data(); }
  Complex& operator()(std::size_t i, std::size_t j) { return entries_[j * n_ + i]; }
  const Complex& operator()(std::size_t i, std::size_t j) const { return entries_[j * n_ + i]; }

 private:
  std::size_t n_;
  std::vector<Complex> entries_;
};

/// M^T = Z T Z^H, T upper triangular: the rows of M are columns here.
struct ComplexSchur {
  ComplexMatrix T, Z;
};

ComplexSchur complex_schur(std::span<const double> M, std::size_t n) {
  ComplexSchur schur{ComplexMatrix(n), ComplexMatrix(n)};
  std::ranges::copy(M, schur.T.data());
  const int order = static_cast<int>(n), size = std::max(1, 64 * order);
  std::vector<Complex> eigenvalues(n), work(size);
  std::vector<double> real_work(n);
  int selected = 0, info = 0;
  zgees_("V", "N", nullptr, &order, schur.T.data(), &order, &selected, eigenvalues.data(), schur.Z.data(),
         &order, work.data(), &size, real_work.data(), nullptr, &info);
  if (info != 0) throw NumericalError("Schur form: LAPACK's zgees failed");
  return schur;
}

/// T^(1/2) of an upper triangular T (Bjorck and Hammarling 1983).
ComplexMatrix square_root(const ComplexMatrix& T) {
  const std::size_t n = T.size();
  ComplexMatrix R(n);
  for (std::size_t j = 0; j < n; ++j) {
    R(j, j) = std::sqrt(T(j, j));
    for (std::size_t i = j; i-- > 0;) {
      Complex sum = T(i, j);
      for (std::size_t k = i + 1; k < j; ++k) sum -= R(i, k) * R(k, j);
      R(i, j) = sum / (R(i, i) + R(j, j));
    }
  }
  return R;
}

/// ||X||_1.
double column_norm(const ComplexMatrix& X) {
  double largest = 0.0;
  for (std::size_t j = 0; j < X.size(); ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < X.size(); ++i) sum += std::abs(X(i, j));
    largest = std::max(largest, sum);
  }
  return largest;
}

ComplexMatrix minus_one(ComplexMatrix T) {
  for (std::size_t i = 0; i < T.size(); ++i) T(i, i) -= 1.0;
  return T;
}

// The Pade approximant [7/7] of log(1 + x) is the Gauss-Legendre rule of seven nodes for the integral of
// x / (1 + s x) over s from 0 to 1, exact to rounding up to this ||X|| (Higham 2008, table 11.1).
constexpr double pade_norm = 0.264;
constexpr double nodes[] = {0.0, 0.40584515137739717, 0.74153118559939444, 0.94910791234275852};
constexpr double weights[] = {0.41795918367346939, 0.38183005050511894, 0.27970539148927667,
                              0.12948496616886969};

/// log(1 + X) of an upper triangular X.
ComplexMatrix log_near_one(const ComplexMatrix& X) {
  const std::size_t n = X.size();
  const int order = static_cast<int>(n);
  ComplexMatrix sum(n);
  for (const double sign : {-1.0, 1.0})
    for (std::size_t node = sign < 0.0 ? 1 : 0; node < std::size(nodes); ++node) {
      ComplexMatrix denominator(n), quotient = X;
      const double s = 0.5 * (1.0 + sign * nodes[node]);
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i <= j; ++i) denominator(i, j) = s * X(i, j);
        denominator(j, j) += 1.0;
      }
      int info = 0;
      ztrtrs_("U", "N", "N", &order, &order, denominator.data(), &order, quotient.data(), &order, &info);
      for (std::size_t k = 0; k < n * n; ++k) sum.data()[k] += 0.5 * weights[node] * quotient.data()[k];
    }
  return sum;
}

/// log(T) of an upper triangular T: square roots until it is near one.
ComplexMatrix log_of_triangle(ComplexMatrix T) {
  std::vector<Complex> diagonal(T.size());
  for (std::size_t i = 0; i < T.size(); ++i) diagonal[i] = std::log(T(i, i));
  double factor = 1.0;
  ComplexMatrix X = minus_one(T);
  for (int roots = 0; !(column_norm(X) <= pade_norm); ++roots) {
    if (roots == 100) refuse("its roots do not tend to one");
    T = square_root(T);
    X = minus_one(T);
    factor *= 2.0;
  }
  ComplexMatrix log = log_near_one(X);
  for (std::size_t k = 0; k < log.size() * log.size(); ++k) log.data()[k] *= factor;
  // The roots' cancellation with one does not touch what is known without them.
  for (std::size_t i = 0; i < log.size(); ++i) log(i, i) = diagonal[i];
  return log;
}

/// Z X Z^H.
ComplexMatrix in_basis(const ComplexMatrix& Z, const ComplexMatrix& X) {
  const int order = static_cast<int>(X.size());
  const Complex one = 1.0, zero = 0.0;
  ComplexMatrix half(X.size()), result(X.size());
  zgemm_("N", "N", &order, &order, &order, &one, Z.data(), &order, X.data(), &order, &zero, half.data(),
         &order);
  zgemm_("N", "C", &order, &order, &order, &one, half.data(), &order, Z.data(), &order, &zero, result.data(),
         &order);
  return result;
}

}  // namespace

std::vector<double> logarithm(std::span<const double> M, double h) {
  const auto n = static_cast<std::size_t>(std::lround(std::sqrt(double(M.size()))));
  require_principal(M, n);
  const ComplexSchur schur = complex_schur(M, n);
  const ComplexMatrix log = in_basis(schur.Z, log_of_triangle(schur.T));
  std::vector<double> A(n * n);
  double largest = 0.0, imaginary = 0.0;
  for (std::size_t k = 0; k < A.size(); ++k) {
    A[k] = log.data()[k].real() / h;
    if (!std::isfinite(A[k])) refuse("it is not finite");
    largest = std::max(largest, std::abs(log.data()[k]));
    imaginary = std::max(imaginary, std::abs(log.data()[k].imag()));
  }
  // Pairs so near the negative axis that rounding has put both on one side of it.
  if (imaginary > 1e-6 * largest) refuse("an eigenvalue is negative to rounding");
  return A;
}

}  // namespace spnode::core
