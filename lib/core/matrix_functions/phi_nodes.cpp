#include "core/matrix_functions/phi_nodes.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>

namespace spnode::core {

namespace {

constexpr std::size_t digit_bits = 3;
const double largest_norm = std::ldexp(1.0, 60);
// The lengths of nodes in double that a step length takes add up to less than twice the longest.
constexpr double narrow_limit = 0.5 * PhiFunctions::amplification_limit;

}  // namespace

PhiNodes::PhiNodes(std::size_t n, std::size_t max_index)
    : n_(n),
      top_(max_index),
      rule_(n, max_index),
      a_(n * n),
      first_(n, max_index, HalfArgument::omit),
      wide_(n, 0, HalfArgument::omit),
      blocks_(rule_.size()) {}

void PhiNodes::set_matrix(std::span<const double> a) {
  std::ranges::copy(a, a_.begin());
  norm_ = one_norm(square(a, n_));
  int exponent = 0;
  if (norm_ > 1e-200) std::frexp(norm_ / unit_norm, &exponent);  // norm / unit_norm < 2^exponent
  unit_ = std::ldexp(1.0, -exponent);
  first_.compute(a_, unit_, unit_ * norm_);
  wide_doublings_ = 0;
  ready_ = {};
  need_ = {};
}

auto PhiNodes::split(double step) const -> Split {
  if (!(step * norm_ <= largest_norm && step / unit_ <= 4.0 * largest_norm))
    throw NumericalError("phi functions: the 1-norm of step * A is " + shortest(step * norm_) +
                         "; at most 2^60 can be put together");
  Split result;
  const double units = step / unit_, whole = std::floor(units + 0.5);  // exact: Delta is a power of two
  result.rest = units - whole;
  auto j = static_cast<std::uint64_t>(whole);
  for (std::uint8_t& digit : result.digit) {
    digit = j % base;
    j /= base;
  }
  return result;
}

void PhiNodes::require(const Split& split) {
  bool above = false;  // something is built on this level
  for (std::size_t l = levels; l-- > 0;) {
    need_[l] = std::max<std::size_t>({need_[l], split.digit[l], above ? base / 2 : 0});
    above = above || need_[l] > 0;
  }
}

std::size_t PhiNodes::count() const {
  std::size_t count = 0;
  for (std::size_t l = 0; l < levels; ++l)
    if (need_[l] > 0) count = l * digits + need_[l];
  return count;
}

auto PhiNodes::joint(std::size_t node) -> Joint {
  const std::size_t level = node / digits, digit = node % digits + 1;
  if (digit == 1) return {(level - 1) * digits + base / 2 - 1, (level - 1) * digits + base / 2 - 1};
  const std::size_t half = std::bit_floor(digit - 1);
  return {level * digits + half - 1, level * digits + digit - half - 1};
}

std::size_t PhiNodes::doublings_of(std::size_t level, std::size_t digit) {
  return digit_bits * level + std::size_t(std::bit_width(digit)) - 1;
}

void PhiNodes::compute() {
  while (nodes_.size() < count()) {
    rule_.allocate(nodes_.emplace_back());
    bars_.emplace_back(size());
    dots_.emplace_back(size());
  }
  for (std::size_t l = 0; l < levels; ++l) {
    for (std::size_t digit = ready_[l] + 1; digit <= need_[l]; ++digit) compute_node(l * digits + digit - 1);
    ready_[l] = std::max(ready_[l], need_[l]);
  }
}

void PhiNodes::compute_node(std::size_t node) {
  if (node == 0) {
    nodes_[0].length = nodes_[0].growth = 1.0;
    nodes_[0].is_wide = false;
    for (std::size_t k = 1; k <= top_; ++k)
      first_.value(k, Argument::full, std::span(blocks_).subspan(k * n_ * n_, n_ * n_));
    rule_.side_by_side(blocks_, nodes_[0].entries);
    return take_phi_0(first_, 0, nodes_[0]);
  }
  if (std::has_single_bit(node % digits + 1)) return double_node(node);
  const Joint from = joint(node);
  rule_.join(nodes_[from.left], nodes_[from.right], nodes_[node]);
}

/// Squaring doubles the error of phi_0, but the other functions, from an accurate phi_0, gain one rounding.
void PhiNodes::double_node(std::size_t node) {
  const PhiElement& half = nodes_[joint(node).left];
  PhiElement& element = nodes_[node];
  rule_.join(half, half, element);
  element.is_wide = half.is_wide || element.length * unit_ * norm_ * element.growth > narrow_limit;
  if (!element.is_wide) return;
  const std::size_t most = doublings(count() - 1);
  if (wide_doublings_ < most) {
    wide_doublings_ = most;
    const double step = std::ldexp(unit_, static_cast<int>(most));
    wide_.compute(a_, step, step * norm_);
  }
  element.growth = 1.0;
  take_phi_0(wide_, wide_doublings_ - doublings(node), element);
}

/// phi_0 - D is rounded from the precision of the squaring, in each row with the D that fits.
template <class Scalar>
void PhiNodes::take_phi_0(const PhiSquaring<Scalar>& squaring, std::size_t halvings, PhiElement& element) {
  const std::size_t width = (top_ + 1) * n_;
  const std::span<double> phi_0 = std::span(blocks_).first(n_ * n_);
  squaring.value_below(halvings, 0, 0.0, phi_0);
  for (std::size_t i = 0; i < n_; ++i)
    std::copy_n(phi_0.data() + i * n_, n_, element.entries.data() + i * width);
  std::ranges::fill(element.unit, 0.0);
  rule_.settle(element);
  squaring.value_below(halvings, 0, 1.0, phi_0);
  for (std::size_t i = 0; i < n_; ++i) {
    double* const row = element.entries.data() + i * width;
    const double sum =
        std::accumulate(row, row + n_, 0.0, [](double s, double x) { return s + std::abs(x); });
    if (sum < 0.5) continue;
    element.unit[i] = 1.0;
    row[i] = phi_0[i * (n_ + 1)];
  }
}

// ---- adjoint

void PhiNodes::clear_bars() {
  for (std::size_t node = 0; node < count(); ++node)
    if (needs(node)) std::ranges::fill(bars_[node], 0.0);
}

void PhiNodes::vjp(std::span<double> a_bar) {
  for (std::size_t node = count(); node-- > 1;) {
    if (!needs(node)) continue;
    const Joint from = joint(node);
    rule_.join_vjp(nodes_[from.left], nodes_[from.right], {bars_[node], bars_[from.left], bars_[from.right]});
  }
  if (count() == 0) return;
  rule_.one_by_one(bars_[0], blocks_);
  first_.vjp(blocks_, a_bar);
}

// ---- tangent

void PhiNodes::jvp(std::span<const double> a_dot) {
  if (count() == 0) return;
  first_.jvp(a_dot);
  for (std::size_t k = 0; k <= top_; ++k)
    first_.tangent(k, Argument::full, std::span(blocks_).subspan(k * n_ * n_, n_ * n_));
  rule_.side_by_side(blocks_, dots_[0]);
  for (std::size_t node = 1; node < count(); ++node) {
    if (!needs(node)) continue;
    const Joint from = joint(node);
    rule_.join_jvp(nodes_[from.left], nodes_[from.right], {dots_[from.left], dots_[from.right], dots_[node]});
  }
}

}  // namespace spnode::core
