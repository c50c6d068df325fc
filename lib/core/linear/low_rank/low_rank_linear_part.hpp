#pragma once
/// The linear part of an operator that is diagonal plus low rank.

#include "core/linear/dense/lane_matrices.hpp"
#include "core/linear/dense/taylor_linear_part.hpp"

#include <vector>

namespace spnode::core {

/// A = diag(d) + F J F^T: exponentials and A as TaylorLinearPart applies them, and shifted inverses by
/// Woodbury's formula. With tau = c h and E = I - tau diag(d),
///   (I - tau A)^-1 = E^-1 + E^-1 F K F^T E^-1,   K = tau (J^T - tau F^T E^-1 F)^-1   (3 r, 3 r),
/// K once per update, shifted inverse and distinct step. Everything is linear in n; the coefficients are
/// those of A.
template <class Real>
class LowRankLinearPart final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;

  /// `steps`: the distinct step lengths, of which set_steps() may take some only; `matrix`: low_rank.
  LowRankLinearPart(SplitShape shape, std::vector<OperatorSpec> operators, std::vector<double> steps,
                    const LinearShape& matrix);

  std::size_t coefficient_count() const override { return matrix_.coefficient_count(); }
  void assemble(std::span<const double> A) override;
  void set_steps(const std::vector<double>& steps) override;
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override;
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

 private:
  std::size_t core_size() const { return matrix_.columns() * matrix_.columns(); }
  void make_room();
  void write_all_cores();
  void write_cores(const StructuredMatrix& A, double tau, double* cores) const;
  LaneMatrices<Real> core(std::size_t op, Transpose transpose) const;
  void solve(const ExecSpace& space, std::size_t op, Transpose transpose, const StepLengths<Real>& steps,
             ConstMatrixView<Real> X, MatrixView<Real> out, Scratch<Real>& scratch) const;

  std::vector<OperatorSpec> operators_;
  std::vector<double> steps_;
  LinearShape matrix_;
  TaylorLinearPart<Real> taylor_;
  std::vector<std::size_t> resolvent_;  ///< of each operator, its number among the shifted inverses
  std::size_t resolvents_ = 0;
  Vector<Real> diagonal_;  ///< d
  Matrix<Real> factors_;   ///< F
  Vector<Real> cores_;     ///< (steps, inverses, 2, 3 r, 3 r): K and its transpose
  std::vector<double> A_, host_;
};

}  // namespace spnode::core
