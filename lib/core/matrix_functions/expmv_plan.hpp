#pragma once
/// What the matrix-free Taylor method prepares once per parameter update. Not collective.

#include "core/matrix_functions/lane_operator.hpp"
#include "core/matrix_functions/taylor_degree.hpp"
#include "core/memory/types.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace spnode::core {

/// The combinations of phi functions with at most this many terms beside phi_0.
inline constexpr std::size_t most_phi_terms = 3;

/// What depends on the operator alone, chosen once per parameter update: its shift, the degree m and the
/// number s of scaling steps. Calls that follow estimate no norms.
template <class Real>
class ExpmvPlan {
 public:
  /// shape: of A, dense or low_rank; max_terms: largest number of w terms, 0 .. 3. Raises UsageError outside.
  ExpmvPlan(const LinearShape& shape, std::size_t max_terms);

  /// For a dense A of order n.
  ExpmvPlan(std::size_t n, std::size_t max_terms)
      : ExpmvPlan(LinearShape{LinearStructure::dense, n}, max_terms) {}

  /// Takes the coefficients of A on the host; it serves all steps with |c h| <= max_step.
  /// Raises NumericalError where A is not finite or s would exceed 10^6 (the dense method is the one to use
  /// then).
  void update(std::span<const double> coefficients, double max_step);

  std::size_t order() const { return shape_.n; }
  std::size_t max_terms() const { return max_terms_; }
  double max_step() const { return max_step_; }
  double shift() const { return shift_; }  ///< mu; matrix() = A - mu I
  const TaylorDegree& degree() const { return degree_; }
  const LaneOperator<Real>& matrix() const { return *matrix_; }

 private:
  LinearShape shape_;
  std::size_t max_terms_;
  double max_step_ = 0.0, shift_ = 0.0;
  TaylorDegree degree_;
  std::unique_ptr<LaneOperator<Real>> matrix_;
};

}  // namespace spnode::core
