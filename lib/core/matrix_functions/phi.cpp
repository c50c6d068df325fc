#include "core/matrix_functions/phi.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {

namespace {

constexpr std::size_t most_index = 3;
const double largest_norm = std::ldexp(1.0, 64);

std::size_t checked_index(std::size_t max_index) {
  if (max_index > most_index)
    throw UsageError("phi functions of index up to " + std::to_string(max_index) +
                     " asked for; at most 3 exist here");
  return max_index;
}

std::size_t checked_order(std::size_t n) {
  if (n == 0) throw UsageError("phi functions of a matrix of order 0 asked for; the order is at least 1");
  return n;
}

}  // namespace

PhiFunctions::PhiFunctions(std::size_t n, std::size_t max_index, HalfArgument halves)
    : n_(checked_order(n)),
      max_index_(checked_index(max_index)),
      halves_(halves),
      narrow_(n, max_index, halves),
      values_((halves == HalfArgument::include ? 2 : 1) * (max_index + 1) * n * n),
      bars_(values_.size()),
      tangents_(values_.size()) {}

std::size_t PhiFunctions::offset(std::size_t index, Argument argument) const {
  return (argument == Argument::full ? index : max_index_ + 1 + index) * n_ * n_;
}

std::span<const double> PhiFunctions::value(std::size_t index, Argument argument) const {
  return std::span(values_).subspan(offset(index, argument), n_ * n_);
}

std::span<double> PhiFunctions::bar(std::size_t index, Argument argument) {
  return std::span(bars_).subspan(offset(index, argument), n_ * n_);
}

void PhiFunctions::clear_bars() { std::fill(bars_.begin(), bars_.end(), 0.0); }

std::span<const double> PhiFunctions::tangent(std::size_t index, Argument argument) const {
  return std::span(tangents_).subspan(offset(index, argument), n_ * n_);
}

template <class Action>
void PhiFunctions::for_each_function(Action&& action) {
  for (const Argument argument : {Argument::full, Argument::half})
    if (argument == Argument::full || halves_ == HalfArgument::include)
      for (std::size_t k = 0; k <= max_index_; ++k) action(k, argument, offset(k, argument));
}

void PhiFunctions::compute(std::span<const double> a, double step) {
  const double norm = std::abs(step) * one_norm(square(a, n_));
  if (std::isfinite(norm) && norm > largest_norm)
    throw NumericalError("phi functions: the 1-norm of step * A is " + shortest(norm) +
                         "; at most 2^64 can be scaled and squared");
  is_wide_ = std::isfinite(norm) && norm > amplification_limit;
  if (!is_wide_) {
    narrow_.compute(a, step, norm);
    is_wide_ = norm * narrow_.growth() > amplification_limit;
  }
  if (is_wide_) {
    if (!wide_) wide_.emplace(n_, max_index_, halves_);
    wide_->compute(a, step, norm);
  }
  with_squaring([&](const auto& squaring) {
    for_each_function([&](std::size_t k, Argument argument, std::size_t at) {
      squaring.value(k, argument, std::span(values_).subspan(at, n_ * n_));
    });
  });
}

void PhiFunctions::vjp(std::span<double> a_bar) {
  with_squaring([&](auto& squaring) { squaring.vjp(bars_, a_bar); });
}

void PhiFunctions::jvp(std::span<const double> a_dot) {
  with_squaring([&](auto& squaring) {
    squaring.jvp(a_dot);
    for_each_function([&](std::size_t k, Argument argument, std::size_t at) {
      squaring.tangent(k, argument, std::span(tangents_).subspan(at, n_ * n_));
    });
  });
}

}  // namespace spnode::core
