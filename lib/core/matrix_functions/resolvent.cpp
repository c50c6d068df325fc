#include "core/matrix_functions/resolvent.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <string>

namespace spnode::core {

Resolvent::Resolvent(std::size_t n)
    : n_(n),
      value_(n * n),
      bar_(n * n),
      tangent_(n * n),
      scratch_(n * n),
      work_(64 * n),
      pivots_(n),
      wide_matrix_(n * n),
      wide_value_(n * n),
      wide_residual_(n * n),
      wide_correction_(n * n) {}

void Resolvent::compute(std::span<const double> a, double step) {
  step_ = step;
  std::transform(a.begin(), a.end(), value_.begin(), [step](double entry) { return -step * entry; });
  const HostMatrix value = square(std::span(value_), n_);
  add_to_diagonal(value, 1.0);
  const double norm = one_norm(value);
  invert(value, pivots_, work_, "I - step A");
  if (norm * one_norm(value) > condition_limit) refine(a);
}

/// Newton's iteration from the inverse of LU. The residual E of one step is squared by the next, so that a
/// step from ||E|| < 1e-8 is the last.
void Resolvent::refine(std::span<const double> a) {
  const WideMatrix m = square(std::span(wide_matrix_), n_), r = square(std::span(wide_value_), n_),
                   e = square(std::span(wide_residual_), n_), re = square(std::span(wide_correction_), n_);
  std::transform(a.begin(), a.end(), m.data, [this](double entry) { return exact_product(-step_, entry); });
  add_to_diagonal(m, 1.0);
  std::copy(value_.begin(), value_.end(), r.data);
  for (double size = 1.0; size > 1e-8;) {
    multiply(-1.0, m, r, 0.0, e);
    add_to_diagonal(e, 1.0);
    std::transform(wide_residual_.begin(), wide_residual_.end(), scratch_.begin(),
                   [](DoubleDouble x) { return static_cast<double>(x); });
    const double before = size;
    size = one_norm(square(std::span(scratch_), n_));
    if (!(size < 0.5 * before))
      throw NumericalError("I - step A is singular to the precision of double: its computed inverse leaves " +
                           shortest(size) + " of the identity, at most 0.5 can be refined");
    multiply(1.0, r, e, 0.0, re);
    add_scaled(1.0, wide_correction_, wide_value_);
  }
  std::transform(wide_value_.begin(), wide_value_.end(), value_.begin(),
                 [](DoubleDouble x) { return static_cast<double>(x); });
}

void Resolvent::clear_bar() { std::fill(bar_.begin(), bar_.end(), 0.0); }

void Resolvent::vjp(std::span<double> a_bar) {
  const HostMatrix value = square(std::span(value_), n_), scratch = square(std::span(scratch_), n_);
  multiply(step_, transposed(value), square(std::span(bar_), n_), 0.0, scratch);
  multiply(1.0, scratch, transposed(value), 1.0, square(a_bar, n_));
}

void Resolvent::jvp(std::span<const double> a_dot) {
  const HostMatrix value = square(std::span(value_), n_), scratch = square(std::span(scratch_), n_);
  multiply(step_, value, square(a_dot, n_), 0.0, scratch);
  multiply(1.0, scratch, value, 0.0, square(std::span(tangent_), n_));
}

}  // namespace spnode::core
