// The parameters of given quadratic forms.
#include "core/components/bilinear.hpp"
#include "core/matrix_functions/decompositions.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::core {

// A symmetric form is sum_k lambda_k (v_k u)^2. With a = sqrt(lambda_+) v_+ and b = sqrt(-lambda_-) v_-, one
// positive and one negative term are one product: (a u)^2 - (b u)^2 = ((a + b) u) ((a - b) u).
template <class Real>
double Bilinear<Real>::set_forms(std::span<const double> Q, std::span<const double> constant,
                                 std::span<double> theta) const {
  const auto C = block_of(theta, C_), D = block_of(theta, D_), b = block_of(theta, b_);
  std::ranges::copy(constant, b.begin());
  std::vector<double> V(n_ * n_);
  double dropped = 0.0, whole = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    const double* q = Q.data() + i * monomial_count(n_);
    for (std::size_t j = 0; j < n_; ++j) {
      V[j * n_ + j] = *q++;
      for (std::size_t k = j + 1; k < n_; ++k) V[j * n_ + k] = V[k * n_ + j] = 0.5 * *q++;
    }
    // Ascending: the negative ones from the front, the positive ones from the back, largest first.
    const std::vector<double> lambda = symmetric_eigen(square(std::span(V), n_));
    for (std::size_t r = 0; r < std::max(options_.rank, n_); ++r) {
      const double plus = r < n_ ? std::max(0.0, lambda[n_ - 1 - r]) : 0.0;
      const double minus = r < n_ ? std::max(0.0, -lambda[r]) : 0.0;
      whole += plus * plus + minus * minus;
      if (r >= options_.rank) {
        dropped += plus * plus + minus * minus;
        continue;
      }
      double* const left = &C[(r * n_ + i) * N_];
      double* const right = &D[(r * n_ + i) * N_];
      std::fill_n(right, N_, 0.0);
      if (plus == 0.0 && minus == 0.0) {  // the left factor stays random, so that the pair can learn
        continue;
      }
      const double a = std::sqrt(plus), c = std::sqrt(minus);
      std::fill_n(left, N_, 0.0);
      for (std::size_t j = 0; j < n_; ++j) {
        const double positive = a * V[(n_ - 1 - r) * n_ + j], negative = c * V[r * n_ + j];
        left[j] = positive + negative;
        right[j] = positive - negative;
      }
    }
  }
  return whole > 0.0 ? std::sqrt(dropped / whole) : 0.0;
}

template double Bilinear<double>::set_forms(std::span<const double>, std::span<const double>,
                                            std::span<double>) const;
template double Bilinear<float>::set_forms(std::span<const double>, std::span<const double>,
                                           std::span<double>) const;

}  // namespace spnode::core
