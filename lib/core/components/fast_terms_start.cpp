// The parameters of given terms of fast variables.
#include "core/components/constant_map.hpp"
#include "core/components/fast_terms.hpp"
#include "core/components/form_products.hpp"
#include "core/kernels/quadratic.hpp"
#include "core/support/error.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
double FastBilinear<Real>::set_forms(std::span<const double> Q, std::span<double> theta) const {
  const auto* const constant = dynamic_cast<const ConstantMap<Real>*>(&factors_.entries());
  if (constant == nullptr)
    throw UsageError("quadratic forms of the fast variables need fast_bilinear.coefficients: constant");
  const std::span<double> all = constant->values(theta), C = all.first(all.size() / 2),
                          D = all.last(all.size() / 2);
  const std::size_t rank = half_ / fast_, monomials = monomial_count(fast_);
  std::ranges::fill(D, 0.0);
  DroppedProducts dropped;
  for (std::size_t i = 0; i < fast_; ++i) {
    const FormProducts products = products_of_form(Q.subspan(i * monomials, monomials), fast_);
    dropped.add(products, rank);
    for (std::size_t r = 0; r < std::min(rank, fast_); ++r) {
      if (products.squares[r] == 0.0) continue;  // the left factor stays random, so that the pair can learn
      std::copy_n(&products.left[r * fast_], fast_, &C[(r * fast_ + i) * fast_]);
      std::copy_n(&products.right[r * fast_], fast_, &D[(r * fast_ + i) * fast_]);
    }
  }
  return dropped.relative();
}

template double FastBilinear<double>::set_forms(std::span<const double>, std::span<double>) const;
template double FastBilinear<float>::set_forms(std::span<const double>, std::span<double>) const;

}  // namespace spnode::core
