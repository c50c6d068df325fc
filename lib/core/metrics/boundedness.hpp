#pragma once
/// How large the states of a long forecast become.

#include <cstddef>
#include <span>

namespace spnode::core {

/// Norms of the states of one trajectory, taken up one after the other.
class NormStatistics {
 public:
  /// `states`: (any number, components) row major.
  void add(std::span<const double> states, std::size_t components);

  bool finite() const { return finite_; }      ///< every state was
  double largest() const { return largest_; }  ///< 2-norm, of the finite ones
  double mean_square() const;                  ///< mean of the squared 2-norms, of the finite ones; 0 of none

 private:
  bool finite_ = true;
  double largest_ = 0.0, squares_ = 0.0;
  std::size_t count_ = 0;
};

}  // namespace spnode::core
