#pragma once

#include "core/components/component.hpp"

namespace spnode::core {

/// The arguments of a model as a linear term, g(x) = B q + b with x = [u; q]: a measured forcing, a constant
/// load.
///
/// Blocks: B (n, m), where there are arguments, and b (n) for n outputs, which start at zero.
template <class Real>
class Forcing final : public LaneMap<Real> {
 public:
  Forcing(TermShape shape, std::string name)
      : states_(shape.states), n_(shape.outputs), m_(shape.arguments), name_(std::move(name)) {}

  /// b; where `theta` holds the blocks.
  void set_constant(std::span<const double> b, std::span<double> theta) const;

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return n_ * m_ + n_; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return states_ + m_; }
  std::size_t outputs() const override { return n_; }
  std::size_t tape_rows() const override { return 0; }
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override;

 private:
  ConstMatrixView<Real> matrix(const ConstVectorView<Real>& coefficients) const {
    return ConstMatrixView<Real>(coefficients.data(), n_, m_);
  }
  ConstVectorView<Real> constant(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + n_ * m_, n_);
  }
  void add_bars(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                const ConstMatrixView<Real>& q, const ConstMatrixView<Real>& y_bar,
                const MatrixView<Real>& q_bar, const VectorView<Real>& coefficients_bar) const;

  std::size_t states_, n_, m_;
  std::string name_;
  ParameterBlock B_, b_;
  std::size_t first_ = 0;  ///< where B_ and, after it, b_ begin
};

}  // namespace spnode::core
