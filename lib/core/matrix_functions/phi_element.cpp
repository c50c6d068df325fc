#include "core/matrix_functions/phi_element.hpp"

#include "core/matrix_functions/packed_product.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

namespace {

constexpr std::size_t most = 3;  // the largest index
constexpr double inverse_factorial[] = {1.0, 1.0, 0.5, 1.0 / 6.0};

/// The factors of the rule: own[k] of phi_0(b) phi_k(a), other[k][j] of phi_j(b).
struct Weights {
  double own[most + 1], other[most + 1][most + 1];

  Weights(double left, double right) {
    const double alpha = right / (left + right), beta = left / (left + right);
    double powers[most + 1] = {1.0}, beta_power = 1.0;
    for (std::size_t k = 1; k <= most; ++k) powers[k] = alpha * powers[k - 1];
    std::copy(std::begin(powers), std::end(powers), own);
    for (std::size_t j = 1; j <= most; ++j) {
      beta_power *= beta;
      for (std::size_t k = j; k <= most; ++k)
        other[k][j] = beta_power * powers[k - j] * inverse_factorial[k - j];
    }
  }
};

}  // namespace

PhiRule::PhiRule(std::size_t n, std::size_t max_index)
    : n_(n), top_(max_index), width_((max_index + 1) * n) {}

void PhiRule::allocate(PhiElement& element) const {
  element.entries.resize(size());
  element.unit.resize(n_);
}

/// The terms of the rule beside G_left times the right element, which stands in terms.sum; on tangents too.
void PhiRule::finish(const PhiElement& left, const PhiElement& right, const Dots& terms) const {
  const Weights weights(left.length, right.length);
  for (std::size_t i = 0; i < n_; ++i) {
    const double* const l = terms.left.data() + i * width_;
    const double* const r = terms.right.data() + i * width_;
    double* const s = terms.sum.data() + i * width_;
    const double unit = left.unit[i];
    for (std::size_t c = 0; c < n_; ++c) s[c] += unit * r[c] + l[c] * right.unit[c];
    for (std::size_t k = 1; k <= top_; ++k) {
      double* const at = s + k * n_;
      const double* const own = r + k * n_;
      for (std::size_t c = 0; c < n_; ++c) at[c] = weights.own[k] * (at[c] + unit * own[c]);
      for (std::size_t j = 1; j <= k; ++j)
        for (std::size_t c = 0; c < n_; ++c) at[c] += weights.other[k][j] * l[j * n_ + c];
    }
  }
}

void PhiRule::join(const PhiElement& left, const PhiElement& right, PhiElement& sum) const {
  std::ranges::fill(sum.entries, 0.0);
  add_packed_product({n_, n_, width_}, {left.entries.data(), width_, 1}, {right.entries.data(), width_, 1},
                     sum.entries.data(), width_);
  finish(left, right, {left.entries, right.entries, sum.entries});
  for (std::size_t i = 0; i < n_; ++i) sum.unit[i] = left.unit[i] * right.unit[i];
  sum.length = left.length + right.length;
  settle(sum);
  sum.growth = std::max(left.growth, right.growth);
  if (sum.norm > 1e-100) sum.growth = std::max(sum.growth, left.norm * right.norm / sum.norm);
}

void PhiRule::join_vjp(const PhiElement& left, const PhiElement& right, const Bars& bars) const {
  const Weights weights(left.length, right.length);
  for (std::size_t i = 0; i < n_; ++i) {
    double* const s = bars.sum.data() + i * width_;
    double* const l = bars.left.data() + i * width_;
    double* const r = bars.right.data() + i * width_;
    const double unit = left.unit[i];
    for (std::size_t k = 1; k <= top_; ++k) {
      double* const at = s + k * n_;
      for (std::size_t j = 1; j <= k; ++j)
        for (std::size_t c = 0; c < n_; ++c) l[j * n_ + c] += weights.other[k][j] * at[c];
      for (std::size_t c = 0; c < n_; ++c) at[c] *= weights.own[k];
    }
    for (std::size_t c = 0; c < n_; ++c) l[c] += s[c] * right.unit[c];
    for (std::size_t c = 0; c < width_; ++c) r[c] += unit * s[c];
  }
  add_packed_product({n_, width_, n_}, {bars.sum.data(), width_, 1}, {right.entries.data(), 1, width_},
                     bars.left.data(), width_);
  add_packed_product({n_, n_, width_}, {left.entries.data(), 1, width_}, {bars.sum.data(), width_, 1},
                     bars.right.data(), width_);
}

void PhiRule::join_jvp(const PhiElement& left, const PhiElement& right, const Dots& dots) const {
  std::ranges::fill(dots.sum, 0.0);
  add_packed_product({n_, n_, width_}, {left.entries.data(), width_, 1}, {dots.right.data(), width_, 1},
                     dots.sum.data(), width_);
  add_packed_product({n_, n_, width_}, {dots.left.data(), width_, 1}, {right.entries.data(), width_, 1},
                     dots.sum.data(), width_);
  finish(left, right, dots);
}

/// The choice is frozen in the derivatives, where both forms are the same function.
void PhiRule::settle(PhiElement& element) const {
  element.norm = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    double* const row = element.entries.data() + i * width_;
    const double carried = row[i];
    row[i] = carried + element.unit[i];
    double sum = 0.0;
    for (std::size_t c = 0; c < n_; ++c) sum += std::abs(row[c]);
    if (sum < 0.5)
      element.unit[i] = 0.0;
    else
      row[i] = carried;
    element.norm = std::max(element.norm, sum);
  }
}

void PhiRule::side_by_side(std::span<const double> blocks, std::span<double> entries) const {
  for (std::size_t k = 0; k <= top_; ++k)
    for (std::size_t i = 0; i < n_; ++i)
      std::copy_n(blocks.data() + (k * n_ + i) * n_, n_, entries.data() + i * width_ + k * n_);
}

void PhiRule::one_by_one(std::span<const double> entries, std::span<double> blocks) const {
  for (std::size_t k = 0; k <= top_; ++k)
    for (std::size_t i = 0; i < n_; ++i)
      std::copy_n(entries.data() + i * width_ + k * n_, n_, blocks.data() + (k * n_ + i) * n_);
}

}  // namespace spnode::core
