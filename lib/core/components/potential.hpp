#pragma once

#include "core/components/component.hpp"
#include "core/components/network.hpp"
#include "core/components/options.hpp"

namespace spnode::core {

/// The negative gradient of a potential, g(u; q) = -grad V(x; q), with x the first rows of u, as many as
/// there are outputs: the force of a conservative system of second order, or a gradient flow where x = u.
///
/// V(x; q) = sum_h w_h Psi((W [x; q] + b)_h) with Psi' = sigma, the activation, so that
/// g_i = -metric_i sum_h W_hi w_h sigma((W [x; q] + b)_h): a network of one hidden layer whose second layer
/// is the transpose of its first. The metric makes it a gradient in the unscaled coordinates.
///
/// Blocks: W (neurons, inputs), b (neurons), w (neurons); metric (outputs), frozen.
template <class Real>
class Potential final : public LaneMap<Real> {
 public:
  Potential(TermShape shape, const PotentialOptions& options, std::string name);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  void set_scaling(const Scaling& scaling, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return force_.coefficient_count(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return shape_.states + shape_.arguments; }
  std::size_t outputs() const override { return shape_.outputs; }
  std::size_t tape_rows() const override { return force_.tape_rows(); }
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
  std::size_t columns() const { return shape_.outputs + shape_.arguments; }  // of W
  Point<Real> position(const Point<Real>& x) const { return {rows_of(x.u, 0, shape_.outputs), x.q}; }
  PointBar<Real> position(const PointBar<Real>& x) const { return {rows_of(x.u, 0, shape_.outputs), x.q}; }

  TermShape shape_;
  PotentialOptions options_;
  std::string name_;
  Network<Real> force_;  // its parameters: W, b, the second layer's weights, and its bias, zero
  ParameterBlock W_, b_, w_, metric_;
};

}  // namespace spnode::core
