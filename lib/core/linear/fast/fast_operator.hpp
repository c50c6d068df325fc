#pragma once
/// T(x): a matrix that is a function of the slow variables, lane by lane.

#include "core/components/component.hpp"
#include "core/linear/options.hpp"

#include <memory>

namespace spnode::core {

/// The entries of T(x) (fast, fast), row major, of the slow variables x: inputs() = slow, outputs() = fast^2.
/// The real parts of all eigenvalues of T(x) are below mu for every x and every theta.
template <class Real>
class FastOperator : public LaneMap<Real> {
 public:
  FastOperator(std::size_t slow, std::size_t fast) : slow_(slow), fast_(fast) {}

  /// Whether T is block upper triangular with diagonal blocks (2, 2), so that systems are solved by back
  /// substitution.
  virtual bool is_triangular() const = 0;

  /// How set_affine() went.
  struct AffineFit {
    double moved = 0.0;    ///< the largest eigenvalue by which a symmetric part had to be lowered, 1/time
    double dropped = 0.0;  ///< of the symmetric parts, beyond the rank or the form, relative
  };
  /// Puts T(x) = A_0 + sum_k x_k A_k, A (1 + slow, fast, fast), into theta as well as the form can hold it.
  /// Raises UsageError where the form has no way to do so.
  virtual AffineFit set_affine(std::span<const double> A, std::span<double> theta) const;

  std::size_t slow() const { return slow_; }
  std::size_t fast() const { return fast_; }
  std::size_t inputs() const final { return slow_; }
  std::size_t outputs() const final { return fast_ * fast_; }

 private:
  std::size_t slow_, fast_;
};

/// The operator of a latent state of `dimension` variables, options.slow_dimension of which are slow. Raises
/// OptionError (slow_dimension, fast.low) where there is no fast variable, or the box has another dimension.
template <class Real>
std::unique_ptr<FastOperator<Real>> make_fast_operator(std::size_t dimension, const HurwitzOptions& options);

}  // namespace spnode::core
