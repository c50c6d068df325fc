#pragma once
/// The phi functions of a matrix at a few lengths from which every step length can be put together.

#include "core/matrix_functions/phi_element.hpp"
#include "core/matrix_functions/phi_squaring.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spnode::core {

/// phi_0 .. phi_p of t A at the lengths t = d 8^l Delta, d = 1 .. 7: its *nodes*. Delta is the largest power
/// of two with ||Delta A||_1 <= 1. A step length is the sum of one node for each of its digits to base 8
/// that is not zero, and of a rest of at most Delta / 2, which may be negative.
///
/// Node 1 comes from PhiSquaring, all others are joined from two smaller ones (PhiRule). Where the length is
/// a power of two and ||t A|| times the growth on the way exceeds half of PhiFunctions::amplification_limit,
/// phi_0 comes from squaring in DoubleDouble instead. Errors are those of PhiFunctions. Values depend on A
/// and on their length alone, not on which other nodes there are.
///
/// All matrices are n x n, row major, on the host. Allocates where there are more nodes than ever before. Not
/// collective.
class PhiNodes {
 public:
  static constexpr std::size_t base = 8, digits = base - 1, levels = 21;
  static constexpr double unit_norm = 1.0;  ///< ||Delta A||_1 is above half of it

  /// n: order, at least 1; max_index: p in 0 .. 3.
  PhiNodes(std::size_t n, std::size_t max_index);

  /// Takes the finite matrix a (n, n); there are no nodes then.
  void set_matrix(std::span<const double> a);
  double unit() const { return unit_; }  ///< Delta, in units of time

  /// A step length by its digits, the lowest first.
  struct Split {
    double rest = 0.0;  ///< in units of Delta, in [-1/2, 1/2)
    std::array<std::uint8_t, levels> digit = {};
  };
  /// step: not negative. Raises NumericalError where ||step A|| is beyond 2^60.
  Split split(double step) const;

  /// Nodes needed from now on: those of the digits that were required since start(), and what they are made
  /// of.
  void start() { need_ = {}; }
  void require(const Split& split);
  void compute();

  /// Node `digit` of level l is number l digits + digit - 1; count() is beyond the largest needed one.
  std::size_t count() const;
  bool needs(std::size_t node) const { return node % digits < need_[node / digits]; }
  const PhiElement& value(std::size_t node) const { return nodes_[node]; }
  std::size_t size() const { return rule_.size(); }  ///< entries of a node, laid out as PhiElement::entries

  /// a_bar += the adjoint of the needed nodes. Add to bar(node) after clear_bars().
  void clear_bars();
  std::span<double> bar(std::size_t node) { return bars_[node]; }
  void vjp(std::span<double> a_bar);

  /// The tangents of the needed nodes in the direction a_dot (n, n).
  void jvp(std::span<const double> a_dot);
  std::span<const double> dot(std::size_t node) const { return dots_[node]; }

 private:
  struct Joint {
    std::size_t left, right;
  };
  static Joint joint(std::size_t node);
  static std::size_t doublings(std::size_t node) { return doublings_of(node / digits, node % digits + 1); }
  static std::size_t doublings_of(std::size_t level, std::size_t digit);
  void compute_node(std::size_t node);
  void double_node(std::size_t node);
  template <class Scalar>
  void take_phi_0(const PhiSquaring<Scalar>& squaring, std::size_t halvings, PhiElement& element);

  std::size_t n_, top_;
  PhiRule rule_;
  std::vector<double> a_;
  double norm_ = 0.0, unit_ = 1.0;  // of a; Delta
  PhiSquaring<double> first_;       // at Delta
  PhiSquaring<DoubleDouble> wide_;  // phi_0 at 2^wide_doublings_ Delta; 0: none
  std::size_t wide_doublings_ = 0;
  std::array<std::size_t, levels> ready_ = {}, need_ = {};  // digits of this matrix, and needed ones
  std::vector<PhiElement> nodes_;
  std::vector<std::vector<double>> bars_, dots_;
  std::vector<double> blocks_;
};

}  // namespace spnode::core
