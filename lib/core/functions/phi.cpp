#include "core/functions/phi.hpp"

#include "core/error.hpp"
#include "core/functions/linear_algebra.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace spnode::core {

namespace {

/// 1-norm of Z / 2^s: Taylor's remainder of phi_1 at degree 16 is 0.9^17 / 18! = 3e-17
constexpr double scaled_norm = 0.9;
constexpr std::size_t most_squarings = 64;
constexpr std::array<double, 4> factorial = {1.0, 1.0, 2.0, 6.0};

/// Coefficients 1 / (j + index)! of phi_index.
std::array<double, MatrixPolynomial::degree + 1> taylor_coefficients(std::size_t index) {
  std::array<double, MatrixPolynomial::degree + 1> coefficients{};
  double value = 1.0 / factorial.at(index);
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    coefficients[j] = value;
    value /= static_cast<double>(j + 1 + index);
  }
  return coefficients;
}

std::size_t checked_index(std::size_t max_index) {
  if (max_index >= factorial.size())
    throw UsageError("phi functions of index up to " + std::to_string(max_index) +
                     " asked for; at most 3 exist here");
  return max_index;
}

/// phi_k(2 z) = sum_j mixing(k, j) phi_j(z) + product terms, 1 <= j < k; the diagonal factor 2^-k for j = k.
double mixing(std::size_t k, std::size_t j) {
  return std::ldexp(1.0, -static_cast<int>(k)) / factorial[k - j];
}

}  // namespace

PhiFunctions::PhiFunctions(std::size_t n, std::size_t max_index, HalfArgument halves)
    : n_(n),
      max_index_(checked_index(max_index)),
      top_index_(std::max<std::size_t>(max_index, 1)),
      halves_(halves),
      taylor_(n, taylor_coefficients(top_index_)),
      exponential_{Slots(n * n), Slots(halves == HalfArgument::include ? n * n : 0)},
      bars_((halves == HalfArgument::include ? 2 : 1) * (max_index + 1) * n * n),
      level_bars_{Slots((top_index_ + 1) * n * n), Slots((top_index_ + 1) * n * n)},
      level_dots_{level_bars_[0], level_bars_[1]},
      scratch_(n * n) {
  if (n == 0) throw UsageError("phi functions of a matrix of order 0 asked for; the order is at least 1");
}

std::size_t PhiFunctions::level_of(Argument argument) const {
  return argument == Argument::full ? squarings_ : squarings_ - 1;
}

std::size_t PhiFunctions::bar_slot(std::size_t index, Argument argument) const {
  return argument == Argument::full ? index : max_index_ + 1 + index;
}

std::span<const double> PhiFunctions::value(std::size_t index, Argument argument) const {
  if (index == 0) return exponential_[argument == Argument::full ? 0 : 1];
  return slot(levels_[level_of(argument)].entries, index);
}

std::span<double> PhiFunctions::bar(std::size_t index, Argument argument) {
  return slot(bars_, bar_slot(index, argument));
}

void PhiFunctions::clear_bars() { std::fill(bars_.begin(), bars_.end(), 0.0); }

std::span<const double> PhiFunctions::tangent(std::size_t index, Argument argument) const {
  return slot(level_dots_[level_of(argument) % 2], index);
}

// ---- value
// ----------------------------------------------------------------------------------------------------

void PhiFunctions::compute(std::span<const double> a, double step) {
  step_ = step;
  choose_squarings(std::abs(step) * one_norm(square(a, n_)));
  const double scale = std::ldexp(step, -static_cast<int>(squarings_));
  std::transform(a.begin(), a.end(), taylor_.argument().begin(),
                 [scale](double entry) { return scale * entry; });
  start_levels();
  for (std::size_t l = 0; l < squarings_; ++l) square_level(levels_[l], levels_[l + 1]);
  for (const Argument argument : {Argument::full, Argument::half}) {
    if (argument == Argument::half && halves_ == HalfArgument::omit) continue;
    const Level& level = levels_[level_of(argument)];
    Slots& exponential = exponential_[argument == Argument::full ? 0 : 1];
    const std::span<const double> form = slot(level.entries, 0);
    std::copy(form.begin(), form.end(), exponential.begin());
    add_to_diagonal(square(std::span(exponential), n_), level.shift - 1.0);
  }
}

void PhiFunctions::choose_squarings(double norm) {
  squarings_ = halves_ == HalfArgument::include ? 1 : 0;
  if (std::isfinite(norm)) {  // otherwise the values come out as not finite by themselves
    while (std::ldexp(norm, -static_cast<int>(squarings_)) > scaled_norm && squarings_ <= most_squarings)
      ++squarings_;
    if (squarings_ > most_squarings)
      throw NumericalError("phi functions: the 1-norm of step * A is " + std::to_string(norm) +
                           "; at most 2^64 can be scaled and squared");
  }
  while (levels_.size() <= squarings_) levels_.push_back({Slots((top_index_ + 1) * n_ * n_), 2.0});
}

/// Level 0: phi_q by its Taylor polynomial, the lower ones by phi_{k-1} = Z phi_k + I / (k-1)!, X = Z phi_1.
void PhiFunctions::start_levels() {
  taylor_.evaluate();
  Level& level = levels_[0];
  const HostOperand z = square(taylor_.argument(), n_);
  const std::span<const double> top = taylor_.value();
  std::copy(top.begin(), top.end(), slot(level.entries, top_index_).begin());
  for (std::size_t k = top_index_; k > 0; --k) {
    const HostMatrix lower = square(slot(level.entries, k - 1), n_);
    multiply(1.0, z, square(slot(level.entries, k), n_), 0.0, lower);
    if (k > 1) add_to_diagonal(lower, 1.0 / factorial[k - 1]);
  }
  level.shift = 2.0;
  settle_form(level);
}

/// One doubling of the argument. With G = slot 0 and c = shift, phi_0 + I = G + c I in both forms.
void PhiFunctions::square_level(const Level& from, Level& to) {
  const HostOperand g = square(slot(from.entries, 0), n_);
  const auto source = [&](std::size_t k) { return slot(from.entries, k); };
  const auto target = [&](std::size_t k) { return slot(to.entries, k); };
  for (std::size_t k = 0; k <= max_index_; ++k) {
    const double factor = k == 0 ? 1.0 : mixing(k, k),
                 own = k == 0 ? 2.0 * (from.shift - 1.0) : factor * from.shift;
    std::fill(target(k).begin(), target(k).end(), 0.0);
    add_scaled(own, source(k), target(k));
    for (std::size_t j = 1; j < k; ++j) add_scaled(mixing(k, j), source(j), target(k));
    multiply(factor, g, square(source(k), n_), 1.0, square(target(k), n_));
  }
  to.shift = from.shift;
  settle_form(to);
}

/// Goes over from phi_0 - I to phi_0 once that is small; the choice is frozen in the derivatives, where both
/// forms are the same function.
void PhiFunctions::settle_form(Level& level) {
  if (level.shift == 1.0) return;
  const HostMatrix g = square(slot(level.entries, 0), n_);
  std::copy(g.data, g.data + n_ * n_, scratch_.begin());
  add_to_diagonal(square(std::span(scratch_), n_), 1.0);
  if (one_norm(square(std::span(scratch_), n_)) > 0.5) return;
  std::copy(scratch_.begin(), scratch_.end(), g.data);
  level.shift = 1.0;
}

// ---- adjoint
// --------------------------------------------------------------------------------------------------

void PhiFunctions::vjp(std::span<double> a_bar) {
  const auto add_bars = [this](Argument argument, Slots& level_bar) {
    for (std::size_t k = 0; k <= max_index_; ++k) add_scaled(1.0, bar(k, argument), slot(level_bar, k));
  };
  for (Slots& level_bar : level_bars_) std::fill(level_bar.begin(), level_bar.end(), 0.0);
  add_bars(Argument::full, level_bars_[squarings_ % 2]);
  for (std::size_t l = squarings_; l-- > 0;) {
    square_level_vjp(levels_[l], level_bars_[(l + 1) % 2], level_bars_[l % 2]);
    if (l + 1 == squarings_ && halves_ == HalfArgument::include) add_bars(Argument::half, level_bars_[l % 2]);
  }
  start_levels_vjp(a_bar);
}

/// from_bar = the adjoint of square_level() for to_bar.
void PhiFunctions::square_level_vjp(const Level& from, const Slots& to_bar, Slots& from_bar) {
  const HostOperand g = square(slot(from.entries, 0), n_);
  const HostMatrix g_bar = square(slot(from_bar, 0), n_);
  std::fill(from_bar.begin(), from_bar.end(), 0.0);
  for (std::size_t k = 0; k <= max_index_; ++k) {
    const std::span<const double> bar = slot(to_bar, k);
    const std::span<double> out = slot(from_bar, k);
    const double factor = k == 0 ? 1.0 : mixing(k, k),
                 own = k == 0 ? 2.0 * (from.shift - 1.0) : factor * from.shift;
    add_scaled(own, bar, out);
    for (std::size_t j = 1; j < k; ++j) add_scaled(mixing(k, j), bar, slot(from_bar, j));
    multiply(factor, transposed(g), square(bar, n_), 1.0, square(out, n_));
    multiply(factor, square(bar, n_), transposed(square(slot(from.entries, k), n_)), 1.0, g_bar);
  }
}

void PhiFunctions::start_levels_vjp(std::span<double> a_bar) {
  const Level& level = levels_[0];
  Slots& level_bar = level_bars_[0];
  const HostOperand z = square(taylor_.argument(), n_);
  std::fill(scratch_.begin(), scratch_.end(), 0.0);
  for (std::size_t k = 1; k <= top_index_; ++k) {
    const HostMatrix lower_bar = square(slot(level_bar, k - 1), n_);
    multiply(1.0, lower_bar, transposed(square(slot(level.entries, k), n_)), 1.0,
             square(std::span(scratch_), n_));
    multiply(1.0, transposed(z), lower_bar, 1.0, square(slot(level_bar, k), n_));
  }
  taylor_.vjp(slot(level_bar, top_index_), scratch_);
  add_scaled(std::ldexp(step_, -static_cast<int>(squarings_)), scratch_, a_bar);
}

// ---- tangent
// --------------------------------------------------------------------------------------------------

void PhiFunctions::jvp(std::span<const double> a_dot) {
  start_levels_jvp(a_dot);
  for (std::size_t l = 0; l < squarings_; ++l)
    square_level_jvp(levels_[l], level_dots_[l % 2], level_dots_[(l + 1) % 2]);
}

void PhiFunctions::start_levels_jvp(std::span<const double> a_dot) {
  const Level& level = levels_[0];
  Slots& dot = level_dots_[0];
  const double scale = std::ldexp(step_, -static_cast<int>(squarings_));
  const HostOperand z = square(taylor_.argument(), n_);
  std::transform(a_dot.begin(), a_dot.end(), scratch_.begin(),
                 [scale](double entry) { return scale * entry; });
  taylor_.jvp(scratch_, slot(dot, top_index_));
  for (std::size_t k = top_index_; k > 0; --k) {
    const HostMatrix lower = square(slot(dot, k - 1), n_);
    multiply(1.0, square(std::span(scratch_), n_), square(slot(level.entries, k), n_), 0.0, lower);
    multiply(1.0, z, square(slot(dot, k), n_), 1.0, lower);
  }
}

void PhiFunctions::square_level_jvp(const Level& from, const Slots& from_dot, Slots& to_dot) {
  const HostOperand g = square(slot(from.entries, 0), n_), g_dot = square(slot(from_dot, 0), n_);
  std::fill(to_dot.begin(), to_dot.end(), 0.0);
  for (std::size_t k = 0; k <= max_index_; ++k) {
    const std::span<double> out = slot(to_dot, k);
    const double factor = k == 0 ? 1.0 : mixing(k, k),
                 own = k == 0 ? 2.0 * (from.shift - 1.0) : factor * from.shift;
    add_scaled(own, slot(from_dot, k), out);
    for (std::size_t j = 1; j < k; ++j) add_scaled(mixing(k, j), slot(from_dot, j), out);
    multiply(factor, g, square(slot(from_dot, k), n_), 1.0, square(out, n_));
    multiply(factor, g_dot, square(slot(from.entries, k), n_), 1.0, square(out, n_));
  }
}

}  // namespace spnode::core
