#pragma once

#include "core/linear/linear_part.hpp"

#include <memory>

namespace spnode::core {

class DenseFunctions;

/// Operators as dense matrices, one set per distinct step length, shared by all lanes that take it.
template <class Real>
class DenseLinearPart final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;

  /// `steps`: the distinct step lengths. Raises UsageError for an operator that does not exist densely.
  DenseLinearPart(SplitShape shape, std::vector<OperatorSpec> operators, const std::vector<double>& steps);
  ~DenseLinearPart() override;

  std::size_t coefficient_count() const override { return per_step_ * steps_.size(); }
  void assemble(std::span<const double> A) override;
  void set_steps(const std::vector<double>& steps) override;
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override;
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

 private:
  std::size_t columns(const OperatorSpec& spec) const;
  std::size_t offset(std::size_t op, std::size_t step) const { return step * per_step_ + offsets_[op]; }
  void take_steps(const std::vector<double>& steps);
  void write_all();
  void write(const OperatorSpec& spec, double h, Real* matrix);
  void write_dot(const OperatorSpec& spec, double h, std::span<const double> A_dot, double* matrix) const;
  void read_bar(const OperatorSpec& spec, double h, const double* bar, std::span<double> A_bar);

  SplitShape shape_;
  std::vector<OperatorSpec> operators_;
  std::vector<double> steps_;
  std::vector<std::size_t> offsets_;
  std::size_t per_step_ = 0;
  std::unique_ptr<DenseFunctions> functions_;
  std::vector<double> A_, sum_;
  Vector<Real> coefficients_;
};

}  // namespace spnode::core
