#include "core/matrix_functions/phi_squaring.hpp"

#include "core/matrix_functions/linear_algebra.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>

namespace spnode::core {

namespace {

constexpr std::array<double, 4> factorial = {1.0, 1.0, 2.0, 6.0};

/// result = scale * a, in DoubleDouble without any rounding.
void scale_to(double scale, std::span<const double> a, std::span<double> result) {
  std::transform(a.begin(), a.end(), result.begin(), [scale](double entry) { return scale * entry; });
}
void scale_to(double scale, std::span<const double> a, std::span<DoubleDouble> result) {
  std::transform(a.begin(), a.end(), result.begin(),
                 [scale](double entry) { return exact_product(scale, entry); });
}

/// Coefficients 1 / (j + index)! of phi_index.
template <class Scalar>
typename MatrixPolynomial<Scalar>::Coefficients taylor_coefficients(std::size_t index) {
  typename MatrixPolynomial<Scalar>::Coefficients coefficients{};
  Scalar value = Scalar(1.0) / factorial.at(index);
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    coefficients[j] = value;
    value = value / static_cast<double>(j + 1 + index);
  }
  return coefficients;
}

/// phi_k(2 z) = sum_j mixing(k, j) phi_j(z) + product terms, 1 <= j < k.
template <class Scalar>
Scalar mixing(std::size_t k, std::size_t j) {
  return Scalar(std::ldexp(1.0, -static_cast<int>(k))) / factorial[k - j];
}

/// Whether D = diag(unit) is 0: always in DoubleDouble, and in double once all has decayed.
bool is_zero(std::span<const double> unit) {
  return std::all_of(unit.begin(), unit.end(), [](double entry) { return entry == 0.0; });
}

/// y += alpha (D + I) x, D = diag(unit): where phi_0 = G + D, the part of alpha (phi_0 + I) x without G.
template <class Scalar>
void add_own(double alpha, std::span<const double> unit, std::span<const Scalar> x, std::span<Scalar> y) {
  const std::size_t n = unit.size();
  if (is_zero(unit)) return add_scaled(Scalar(alpha), x, y);
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar factor(alpha * (1.0 + unit[i]));
    for (std::size_t j = i * n; j < (i + 1) * n; ++j) y[j] += factor * x[j];
  }
}

/// y += x D + D x, D = diag(unit).
template <class Scalar>
void add_anticommutator(std::span<const double> unit, std::span<const Scalar> x, std::span<Scalar> y) {
  const std::size_t n = unit.size();
  if (is_zero(unit)) return;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) y[i * n + j] += Scalar(unit[i] + unit[j]) * x[i * n + j];
}

template <class Scalar>
double absolute_sum(std::span<const Scalar> x) {
  constexpr std::size_t lanes = 8;  // several sums, so that they become a vector
  double sums[lanes] = {};
  const std::size_t whole = x.size() - x.size() % lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) sums[j] += std::abs(static_cast<double>(x[i + j]));
  for (std::size_t i = whole; i < x.size(); ++i) sums[0] += std::abs(static_cast<double>(x[i]));
  return std::accumulate(std::begin(sums), std::end(sums), 0.0);
}

double power_of_half(std::size_t k) { return std::ldexp(1.0, -static_cast<int>(k)); }

}  // namespace

template <class Scalar>
PhiSquaring<Scalar>::PhiSquaring(std::size_t n, std::size_t max_index, HalfArgument halves)
    : n_(n),
      max_index_(max_index),
      top_index_(std::max<std::size_t>(max_index, 1)),
      halves_(halves),
      taylor_(n, taylor_coefficients<Scalar>(top_index_)),
      level_bars_{Slots((top_index_ + 1) * n * n), Slots((top_index_ + 1) * n * n)},
      level_dots_{level_bars_[0], level_bars_[1]},
      scratch_(n * n) {}

template <class Scalar>
void PhiSquaring<Scalar>::value(std::size_t index, Argument argument, std::span<double> out) const {
  const Level& level = levels_[level_of(argument)];
  const std::span<const Scalar> entries = slot(level.entries, index);
  std::transform(entries.begin(), entries.end(), out.begin(),
                 [](Scalar x) { return static_cast<double>(x); });
  if (index == 0)
    for (std::size_t i = 0; i < n_; ++i) out[i * (n_ + 1)] += level.unit[i];
}

template <class Scalar>
void PhiSquaring<Scalar>::value_below(std::size_t halvings, std::size_t index, double shift,
                                      std::span<double> out) const {
  const Level& level = levels_[squarings_ - halvings];
  const std::span<const Scalar> entries = slot(level.entries, index);
  std::transform(entries.begin(), entries.end(), out.begin(),
                 [](Scalar x) { return static_cast<double>(x); });
  for (std::size_t i = 0; i < n_; ++i) {
    const double unit = index == 0 ? level.unit[i] : 0.0;
    out[i * (n_ + 1)] = static_cast<double>(entries[i * (n_ + 1)] + Scalar(unit - shift));
  }
}

template <class Scalar>
void PhiSquaring<Scalar>::tangent(std::size_t index, Argument argument, std::span<double> out) const {
  const std::span<const Scalar> entries = slot(level_dots_[level_of(argument) % 2], index);
  std::transform(entries.begin(), entries.end(), out.begin(),
                 [](Scalar x) { return static_cast<double>(x); });
}

// ---- value

template <class Scalar>
void PhiSquaring<Scalar>::compute(std::span<const double> a, double step, double norm) {
  step_ = step;
  choose_squarings(norm);
  scale_to(std::ldexp(step, -static_cast<int>(squarings_)), a, taylor_.argument());
  growth_ = 1.0;
  double size = start_levels();
  for (std::size_t l = 0; l < squarings_; ++l) {
    const double squared = square_level(levels_[l], levels_[l + 1]);
    if (squared > 1e-100) growth_ = std::max(growth_, size * size / squared);
    size = squared;
  }
}

template <class Scalar>
void PhiSquaring<Scalar>::choose_squarings(double norm) {
  squarings_ = halves_ == HalfArgument::include ? 1 : 0;
  if (std::isfinite(norm))  // otherwise the values come out as not finite by themselves
    while (std::ldexp(norm, -static_cast<int>(squarings_)) > scaled_norm) ++squarings_;
  while (levels_.size() <= squarings_)
    levels_.push_back({Slots((top_index_ + 1) * n_ * n_), std::vector<double>(n_)});
}

/// Level 0: phi_q by its Taylor polynomial, the lower ones by phi_{k-1} = Z phi_k + I / (k-1)!, G = Z phi_1
/// where D = I. Returns the norm of phi_0.
template <class Scalar>
double PhiSquaring<Scalar>::start_levels() {
  taylor_.evaluate();
  Level& level = levels_[0];
  const BasicHostOperand<Scalar> z = square(taylor_.argument(), n_);
  const std::span<const Scalar> top = taylor_.value();
  std::copy(top.begin(), top.end(), slot(level.entries, top_index_).begin());
  std::fill(level.unit.begin(), level.unit.end(), is_wide ? 0.0 : 1.0);
  for (std::size_t k = top_index_; k > 0; --k) {
    const BasicHostMatrix<Scalar> lower = square(slot(level.entries, k - 1), n_);
    multiply(1.0, z, square(slot(level.entries, k), n_), 0.0, lower);
    if (k > 1 || is_wide) add_to_diagonal(lower, Scalar(1.0 / factorial[k - 1]));
  }
  return settle_rows(level);
}

/// One doubling of the argument, with phi_0 + I = G + (D + I). Returns the norm of phi_0.
template <class Scalar>
double PhiSquaring<Scalar>::square_level(const Level& from, Level& to) {
  const BasicHostOperand<Scalar> g = square(slot(from.entries, 0), n_);
  for (std::size_t k = 0; k <= max_index_; ++k) {
    const std::span<const Scalar> source = slot(from.entries, k);
    const std::span<Scalar> target = slot(to.entries, k);
    multiply(power_of_half(k), g, square(source, n_), 0.0, square(target, n_));
    if (k == 0)
      add_anticommutator<Scalar>(from.unit, source, target);
    else
      add_own<Scalar>(power_of_half(k), from.unit, source, target);
    for (std::size_t j = 1; j < k; ++j) add_scaled(mixing<Scalar>(k, j), slot(from.entries, j), target);
  }
  to.unit = from.unit;
  return settle_rows(to);
}

/// Sets to 0 the entries of D of the rows that have decayed. The choice is frozen in the derivatives, where
/// both forms are the same function. Returns the largest row sum of absolute values of phi_0.
template <class Scalar>
double PhiSquaring<Scalar>::settle_rows(Level& level) {
  if (is_wide) return 1.0;  // D is 0, and growth() is asked of double only
  double norm = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    const std::span<Scalar> row = slot(level.entries, 0).subspan(i * n_, n_);
    const Scalar carried = row[i], full = carried + Scalar(level.unit[i]);
    row[i] = full;
    const double sum = absolute_sum<Scalar>(row);
    if (sum < 0.5)
      level.unit[i] = 0.0;
    else
      row[i] = carried;
    norm = std::max(norm, sum);
  }
  return norm;
}

// ---- adjoint

template <class Scalar>
void PhiSquaring<Scalar>::vjp(std::span<const double> bars, std::span<double> a_bar) {
  const std::size_t block = (max_index_ + 1) * n_ * n_;
  const auto add_bars = [&](Argument argument, Slots& level_bar) {
    const std::span<const double> part = bars.subspan(argument == Argument::full ? 0 : block, block);
    for (std::size_t i = 0; i < block; ++i) level_bar[i] += part[i];
  };
  for (Slots& level_bar : level_bars_) std::fill(level_bar.begin(), level_bar.end(), Scalar(0.0));
  add_bars(Argument::full, level_bars_[squarings_ % 2]);
  for (std::size_t l = squarings_; l-- > 0;) {
    square_level_vjp(levels_[l], level_bars_[(l + 1) % 2], level_bars_[l % 2]);
    if (l + 1 == squarings_ && halves_ == HalfArgument::include) add_bars(Argument::half, level_bars_[l % 2]);
  }
  start_levels_vjp(a_bar);
}

/// from_bar = the adjoint of square_level() for to_bar.
template <class Scalar>
void PhiSquaring<Scalar>::square_level_vjp(const Level& from, const Slots& to_bar, Slots& from_bar) {
  const BasicHostOperand<Scalar> g = square(slot(from.entries, 0), n_);
  const BasicHostMatrix<Scalar> g_bar = square(slot(from_bar, 0), n_);
  std::fill(from_bar.begin(), from_bar.end(), Scalar(0.0));
  for (std::size_t k = 0; k <= max_index_; ++k) {
    const std::span<const Scalar> bar = slot(to_bar, k);
    const std::span<Scalar> out = slot(from_bar, k);
    if (k == 0)
      add_anticommutator<Scalar>(from.unit, bar, out);
    else
      add_own<Scalar>(power_of_half(k), from.unit, bar, out);
    for (std::size_t j = 1; j < k; ++j) add_scaled(mixing<Scalar>(k, j), bar, slot(from_bar, j));
    multiply(power_of_half(k), transposed(g), square(bar, n_), 1.0, square(out, n_));
    multiply(power_of_half(k), square(bar, n_), transposed(square(slot(from.entries, k), n_)), 1.0, g_bar);
  }
}

template <class Scalar>
void PhiSquaring<Scalar>::start_levels_vjp(std::span<double> a_bar) {
  const Level& level = levels_[0];
  Slots& level_bar = level_bars_[0];
  const BasicHostOperand<Scalar> z = square(taylor_.argument(), n_);
  std::fill(scratch_.begin(), scratch_.end(), Scalar(0.0));
  for (std::size_t k = 1; k <= top_index_; ++k) {
    const BasicHostMatrix<Scalar> lower_bar = square(slot(level_bar, k - 1), n_);
    multiply(1.0, lower_bar, transposed(square(slot(level.entries, k), n_)), 1.0,
             square(std::span(scratch_), n_));
    multiply(1.0, transposed(z), lower_bar, 1.0, square(slot(level_bar, k), n_));
  }
  taylor_.vjp(slot(level_bar, top_index_), scratch_);
  const double scale = std::ldexp(step_, -static_cast<int>(squarings_));
  for (std::size_t i = 0; i < a_bar.size(); ++i) a_bar[i] += static_cast<double>(scratch_[i] * scale);
}

// ---- tangent

template <class Scalar>
void PhiSquaring<Scalar>::jvp(std::span<const double> a_dot) {
  start_levels_jvp(a_dot);
  for (std::size_t l = 0; l < squarings_; ++l)
    square_level_jvp(levels_[l], level_dots_[l % 2], level_dots_[(l + 1) % 2]);
}

template <class Scalar>
void PhiSquaring<Scalar>::start_levels_jvp(std::span<const double> a_dot) {
  const Level& level = levels_[0];
  Slots& dot = level_dots_[0];
  const BasicHostOperand<Scalar> z = square(taylor_.argument(), n_);
  scale_to(std::ldexp(step_, -static_cast<int>(squarings_)), a_dot, std::span(scratch_));
  taylor_.jvp(scratch_, slot(dot, top_index_));
  for (std::size_t k = top_index_; k > 0; --k) {
    const BasicHostMatrix<Scalar> lower = square(slot(dot, k - 1), n_);
    multiply(1.0, square(std::span(scratch_), n_), square(slot(level.entries, k), n_), 0.0, lower);
    multiply(1.0, z, square(slot(dot, k), n_), 1.0, lower);
  }
}

template <class Scalar>
void PhiSquaring<Scalar>::square_level_jvp(const Level& from, const Slots& from_dot, Slots& to_dot) {
  const BasicHostOperand<Scalar> g = square(slot(from.entries, 0), n_), g_dot = square(slot(from_dot, 0), n_);
  for (std::size_t k = 0; k <= max_index_; ++k) {
    const std::span<const Scalar> dot = slot(from_dot, k);
    const std::span<Scalar> out = slot(to_dot, k);
    multiply(power_of_half(k), g, square(dot, n_), 0.0, square(out, n_));
    multiply(power_of_half(k), g_dot, square(slot(from.entries, k), n_), 1.0, square(out, n_));
    if (k == 0)
      add_anticommutator<Scalar>(from.unit, dot, out);
    else
      add_own<Scalar>(power_of_half(k), from.unit, dot, out);
    for (std::size_t j = 1; j < k; ++j) add_scaled(mixing<Scalar>(k, j), slot(from_dot, j), out);
  }
}

template class PhiSquaring<double>;
template class PhiSquaring<DoubleDouble>;

}  // namespace spnode::core
