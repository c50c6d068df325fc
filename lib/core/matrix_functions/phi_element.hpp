#pragma once
/// The phi functions of one matrix at one length, and the rule that joins two lengths.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// phi_0 .. phi_p of t A, side by side: (n, (p + 1) n) row major, the first n columns G = phi_0 - D.
///
/// D is diagonal with entries 1 and 0, for the reasons given at PhiSquaring: 1 until the sum of absolute
/// values of its row of phi_0 has fallen below 1/2.
struct PhiElement {
  double length = 0.0;          ///< t, in any unit that all elements share
  double norm = 1.0;            ///< largest row sum of absolute values of phi_0
  double growth = 1.0;          ///< largest norm(a) norm(b) / norm(a + b) of all joints on the way here
  bool is_wide = false;         ///< rounded from twice the precision of double
  std::vector<double> entries;  ///< (n, (p + 1) n)
  std::vector<double> unit;     ///< the diagonal of D, (n)
};

/// The rule by which functions at the lengths a and b give those at a + b: with alpha = a / (a + b) and
/// beta = b / (a + b)
///     phi_0(a + b) = phi_0(b) phi_0(a),
///     phi_k(a + b) = alpha^k phi_0(b) phi_k(a) + sum_{j=1}^k beta^j alpha^{k-j} / (k - j)! phi_j(b).
/// The left factor should be the longer one: its rows then keep their accuracy when they have decayed.
/// Entries of adjoints and tangents are laid out as PhiElement::entries.
class PhiRule {
 public:
  PhiRule(std::size_t n, std::size_t max_index);

  std::size_t size() const { return n_ * width_; }
  void allocate(PhiElement& element) const;

  /// sum = the functions at the sum of both lengths.
  void join(const PhiElement& left, const PhiElement& right, PhiElement& sum) const;

  /// left_bar, right_bar += the adjoint of join() for sum_bar, which is used up.
  struct Bars {
    std::span<double> sum, left, right;
  };
  void join_vjp(const PhiElement& left, const PhiElement& right, const Bars& bars) const;

  /// sum_dot = the tangent of join(); overwritten.
  struct Dots {
    std::span<const double> left, right;
    std::span<double> sum;
  };
  void join_jvp(const PhiElement& left, const PhiElement& right, const Dots& dots) const;

  /// Sets to 0 the entries of D of rows that have decayed, and notes the norm.
  void settle(PhiElement& element) const;

  /// Matrices one after the other (p + 1, n, n) to entries side by side, and back.
  void side_by_side(std::span<const double> blocks, std::span<double> entries) const;
  void one_by_one(std::span<const double> entries, std::span<double> blocks) const;

 private:
  void finish(const PhiElement& left, const PhiElement& right, const Dots& terms) const;

  std::size_t n_, top_, width_;
};

}  // namespace spnode::core
