#include "core/functions/resolvent.hpp"

#include "core/functions/linear_algebra.hpp"

#include <algorithm>

namespace spnode::core {

Resolvent::Resolvent(std::size_t n)
    : n_(n), value_(n * n), bar_(n * n), tangent_(n * n), scratch_(n * n), work_(64 * n), pivots_(n) {}

void Resolvent::compute(std::span<const double> a, double step) {
  step_ = step;
  std::transform(a.begin(), a.end(), value_.begin(), [step](double entry) { return -step * entry; });
  const HostMatrix value = square(std::span(value_), n_);
  add_to_diagonal(value, 1.0);
  invert(value, pivots_, work_, "I - step A");
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
