#include "core/matrix_functions/expmv_plan.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {

template <class Real>
ExpmvPlan<Real>::ExpmvPlan(const LinearShape& shape, std::size_t max_terms)
    : shape_(shape), max_terms_(max_terms), matrix_(make_lane_operator<Real>(shape)) {
  if (shape.n == 0) throw UsageError("the Taylor method needs a matrix of order at least 1; found 0");
  if (max_terms > most_phi_terms)
    throw UsageError("the Taylor method takes at most " + std::to_string(most_phi_terms) +
                     " phi terms; asked for " + std::to_string(max_terms));
}

template <class Real>
void ExpmvPlan<Real>::update(std::span<const double> coefficients, double max_step) {
  const StructuredMatrix A{shape_, coefficients};
  max_step_ = std::abs(max_step);
  const PowerNorms plain = power_norms(A, 0.0);
  if (!std::isfinite(plain.alpha[1]))
    throw NumericalError("the Taylor method was given a matrix that is not finite");

  // With phi terms the augmented matrix has max_terms more rows, all eigenvalues zero, and they are shifted
  // too.
  shift_ = trace(A) / static_cast<double>(shape_.n + max_terms_);
  PowerNorms centred = power_norms(A, shift_);
  if (max_terms_ > 0) centred.floor = std::abs(shift_);
  const TaylorDegree without = choose_degree(plain, max_step_, max_terms_);
  degree_ = choose_degree(centred, max_step_, max_terms_);
  if (degree_.m == 0 || (without.m != 0 && without.m * without.s <= degree_.m * degree_.s)) {
    shift_ = 0.0;
    degree_ = without;
  }
  if (degree_.m == 0)
    throw NumericalError(
        "the matrix-free Taylor method would need more than 10^6 scaling steps: step * ||A||_1 is " +
        shortest(max_step_ * plain.alpha[1]) +
        "; functions of dense and block-diagonal operators have no such limit");
  matrix_->update(coefficients, shift_);
}

template class ExpmvPlan<double>;
template class ExpmvPlan<float>;

}  // namespace spnode::core
