// The parameters of given quadratic forms.
#include "core/components/bilinear.hpp"
#include "core/components/form_products.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
double Bilinear<Real>::set_forms(std::span<const double> Q, std::span<const double> constant,
                                 std::span<double> theta) const {
  const auto C = block_of(theta, C_), D = block_of(theta, D_), b = block_of(theta, b_);
  std::ranges::copy(constant, b.begin());
  DroppedProducts dropped;
  for (std::size_t i = 0; i < n_; ++i) {
    const FormProducts products = products_of_form(Q.subspan(i * monomial_count(n_), monomial_count(n_)), n_);
    dropped.add(products, options_.rank);
    for (std::size_t r = 0; r < options_.rank; ++r) {
      double* const left = &C[(r * n_ + i) * N_];
      double* const right = &D[(r * n_ + i) * N_];
      std::fill_n(right, N_, 0.0);
      if (r >= n_ || products.squares[r] == 0.0)  // the left factor stays random, so that the pair can learn
        continue;
      std::fill_n(left, N_, 0.0);
      std::copy_n(&products.left[r * n_], n_, left);
      std::copy_n(&products.right[r * n_], n_, right);
    }
  }
  return dropped.relative();
}

template double Bilinear<double>::set_forms(std::span<const double>, std::span<const double>,
                                            std::span<double>) const;
template double Bilinear<float>::set_forms(std::span<const double>, std::span<const double>,
                                           std::span<double>) const;

}  // namespace spnode::core
