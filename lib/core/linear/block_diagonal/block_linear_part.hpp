#pragma once
/// The linear part of a block-diagonal operator.

#include "core/linear/linear_part.hpp"
#include "core/matrix_functions/block_phi.hpp"
#include "core/matrix_functions/structured_matrix.hpp"

#include <vector>

namespace spnode::core {

/// Operators as 2 x 2 blocks in closed form, one set per distinct step length: everything, update and step,
/// is linear in n.
///
/// Coefficients of one operator and step: for each pair of components and each n rows of the argument
/// (`groups` of them) a block (2, 2); then, where n is odd, a number for each group.
template <class Real>
class BlockLinearPart final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;

  /// `steps`: the distinct step lengths; `matrix`: block_diagonal.
  BlockLinearPart(SplitShape shape, std::vector<OperatorSpec> operators, std::vector<double> steps,
                  const LinearShape& matrix);

  std::size_t coefficient_count() const override { return per_step_ * steps_.size(); }
  void assemble(std::span<const double> A) override;
  void set_steps(const std::vector<double>& steps) override;
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override;
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

 private:
  void make_room();
  void write_all();
  std::size_t groups(const OperatorSpec& spec) const;
  std::size_t offset(std::size_t op, std::size_t step) const { return step * per_step_ + offsets_[op]; }
  Block block(std::size_t pair) const;  ///< of A; the last one of an odd n as a multiple of I
  std::size_t blocks() const { return matrix_.pairs() + (matrix_.has_single() ? 1 : 0); }
  template <class Visit>
  void for_each_operator_block(Visit visit) const;

  SplitShape shape_;
  std::vector<OperatorSpec> operators_;
  std::vector<double> steps_;
  LinearShape matrix_;
  std::vector<std::size_t> offsets_;
  std::size_t per_step_ = 0, highest_ = 0;
  std::vector<double> A_, host_;
  Vector<Real> coefficients_;
};

}  // namespace spnode::core
