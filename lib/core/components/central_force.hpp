#pragma once

#include "core/components/component.hpp"
#include "core/components/options.hpp"

namespace spnode::core {

/// A force along the position, g(u) = phi(|X|) X with phi(R) = sum_{k < K} c_k R^-k and X the unscaled first
/// rows of u, as many as there are outputs: gravitation has c_3 alone. Singular at X = 0.
///
/// Blocks: c (K), which starts at zero; frozen: origin, length and rate, each (outputs), with X_i =
/// length_i (u_i - origin_i) and g_i = rate_i phi X_i in scaled coordinates.
template <class Real>
class CentralForce final : public LaneMap<Real> {
 public:
  CentralForce(TermShape shape, const CentralForceOptions& options, std::string name)
      : shape_(shape), K_(options.terms), name_(std::move(name)) {}

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  void set_scaling(const Scaling& scaling, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return K_ + 3 * shape_.outputs; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return shape_.states + shape_.arguments; }
  std::size_t outputs() const override { return shape_.outputs; }
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
  TermShape shape_;
  std::size_t K_;
  std::string name_;
  ParameterBlock c_, origin_, length_, rate_;
};

}  // namespace spnode::core
