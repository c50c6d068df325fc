#pragma once
/// The linear part by products with the operator alone.

#include "core/linear/linear_part.hpp"
#include "core/matrix_functions/expmv_plan.hpp"
#include "core/matrix_functions/lane_operator.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// Operators applied matrix-free by truncated Taylor series (Al-Mohy and Higham 2011; SPNODE-25, eqs.
/// (15)-(19)). Exponentials and the generator exist here; the coefficients are those of A.
template <class Real>
class TaylorLinearPart final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;

  /// `largest_step`: the largest |h| that will be asked for; `matrix`: dense or low_rank. Operators that are
  /// shifted inverses must not be applied.
  TaylorLinearPart(SplitShape shape, std::vector<OperatorSpec> operators, double largest_step,
                   const LinearShape& matrix);

  /// For a dense A.
  TaylorLinearPart(SplitShape shape, std::vector<OperatorSpec> operators, double largest_step)
      : TaylorLinearPart(shape, std::move(operators), largest_step,
                         LinearShape{LinearStructure::dense, shape.n}) {}

  std::size_t coefficient_count() const override { return matrix_.coefficient_count(); }
  void assemble(std::span<const double> A) override;
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override;
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

  /// A, from the last assemble.
  const LaneOperator<Real>& matrix() const { return *A_; }

 private:
  SplitShape shape_;
  std::vector<OperatorSpec> operators_;
  double largest_step_;
  LinearShape matrix_;
  std::unique_ptr<LaneOperator<Real>> A_;
  ExpmvPlan<Real> plan_;
};

}  // namespace spnode::core
