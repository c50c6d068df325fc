#include "core/functions/expmv_plan.hpp"

#include "core/error.hpp"
#include "core/functions/linear_algebra.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {

template <class Real>
ExpmvPlan<Real>::ExpmvPlan(std::size_t n, std::size_t max_terms)
    : n_(n),
      max_terms_(max_terms),
      matrix_("spnode::core::expmv_matrix", n, n),
      host_(n * n),
      work_(4 * n),
      sign_(n) {
  if (n == 0) throw UsageError("the Taylor method needs a matrix of order at least 1; found 0");
  if (max_terms > most_phi_terms)
    throw UsageError("the Taylor method takes at most " + std::to_string(most_phi_terms) +
                     " phi terms; asked for " + std::to_string(max_terms));
}

template <class Real>
void ExpmvPlan<Real>::update(std::span<const double> a, double max_step) {
  const HostMatrix shifted = square(std::span(host_), n_);
  max_step_ = std::abs(max_step);
  std::copy(a.begin(), a.end(), host_.begin());
  const PowerNorms plain = power_norms(host_, n_, work_, sign_);
  if (!std::isfinite(plain.alpha[1]))
    throw NumericalError("the Taylor method was given a matrix that is not finite");

  // With phi terms the augmented matrix has max_terms more rows, all eigenvalues zero, and they are shifted
  // too.
  shift_ = trace(shifted) / static_cast<double>(n_ + max_terms_);
  add_to_diagonal(shifted, -shift_);
  PowerNorms centred = power_norms(host_, n_, work_, sign_);
  if (max_terms_ > 0) centred.floor = std::abs(shift_);
  const TaylorDegree without = choose_degree(plain, max_step_, max_terms_);
  degree_ = choose_degree(centred, max_step_, max_terms_);
  if (degree_.m == 0 || (without.m != 0 && without.m * without.s <= degree_.m * degree_.s)) {
    std::copy(a.begin(), a.end(), host_.begin());
    shift_ = 0.0;
    degree_ = without;
  }
  if (degree_.m == 0)
    throw NumericalError(
        "the matrix-free Taylor method would need more than 10^6 scaling steps: step * ||A||_1 is " +
        std::to_string(max_step_ * plain.alpha[1]) + "; the dense method has no such limit");
  upload(host_, matrix_);
}

template class ExpmvPlan<double>;
template class ExpmvPlan<float>;

}  // namespace spnode::core
