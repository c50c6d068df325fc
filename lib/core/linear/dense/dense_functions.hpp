#pragma once
/// The dense functions of h A that the operators of a scheme are made of, for several step lengths h.

#include "core/linear/linear_part.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/matrix_functions/resolvent.hpp"

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace spnode::core {

/// Phi functions and shifted inverses of A, step by step, with their adjoints and tangents.
///
/// Each step length has its own PhiFunctions and is evaluated once for an A, as far as `memory_limit` allows:
/// the step lengths beyond it share one and are evaluated again where they come up again.
class DenseFunctions {
 public:
  static constexpr std::size_t memory_limit = 16 << 20;  ///< bytes, about

  DenseFunctions(const SplitShape& shape, const std::vector<OperatorSpec>& operators);

  /// Takes A (n, n).
  void set_matrix(std::span<const double> A);

  /// Takes the step lengths that are numbered from now on. Allocates where there are more than ever before.
  void set_steps(const std::vector<double>& steps);

  /// Makes the functions at step number `step` the ones that the rest speaks of.
  void select(std::size_t step);

  std::span<const double> phi(std::size_t index, Argument argument) const {
    return slot_->phi.value(index, argument);
  }
  std::span<double> phi_bar(std::size_t index, Argument argument) { return slot_->phi.bar(index, argument); }
  std::span<const double> phi_tangent(std::size_t index, Argument argument) const {
    return slot_->phi.tangent(index, argument);
  }
  std::span<const double> resolvent(double c) const { return find(c).value(); }
  std::span<double> resolvent_bar(double c) { return find(c).bar(); }
  std::span<const double> resolvent_tangent(double c) const { return find(c).tangent(); }

  /// Adjoint: clear_bars(), add to the bars, then A_bar += what they come to.
  void clear_bars();
  void vjp(std::span<double> A_bar);

  /// The tangents in the direction A_dot.
  void jvp(std::span<const double> A_dot);

 private:
  /// All functions at one step length.
  struct Slot {
    Slot(std::size_t n, std::size_t max_index, HalfArgument halves, const std::vector<double>& resolvents);
    PhiFunctions phi;
    std::vector<std::pair<double, Resolvent>> resolvents;
    std::optional<std::size_t> step;  ///< of which it holds the values
  };
  Resolvent& find(double c) const;
  std::size_t most_slots() const;

  std::size_t n_, max_index_;
  HalfArgument halves_;
  bool has_exponentials_ = false;
  std::vector<double> resolvents_;  ///< c of each
  std::vector<double> A_, steps_;
  std::vector<std::unique_ptr<Slot>> slots_;
  Slot* slot_ = nullptr;  ///< the selected one
};

}  // namespace spnode::core
