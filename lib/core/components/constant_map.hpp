#pragma once

#include "core/components/component.hpp"

#include <string>

namespace spnode::core {

/// y = c in every lane, whatever the point.
///
/// Block: c (outputs), normal numbers times a scale at the start.
template <class Real>
class ConstantMap final : public LaneMap<Real> {
 public:
  struct Role {
    std::string name, meaning;
    double initial_scale = 0.0;
    bool frozen = false;
  };
  ConstantMap(std::size_t inputs, std::size_t outputs, Role role)
      : inputs_(inputs), outputs_(outputs), role_(std::move(role)) {}

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return outputs_; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  /// c in theta.
  std::span<double> values(std::span<double> theta) const { return block_of(theta, c_); }

  std::size_t inputs() const override { return inputs_; }
  std::size_t outputs() const override { return outputs_; }
  std::size_t tape_rows() const override { return 0; }
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  /// Zero, as is the next: y does not depend on the point.
  void apply_jvp_vjp(const ExecSpace&, const TangentReverse&, Scratch<Real>&) const override {}
  void apply_jvp_jvp(const ExecSpace&, const TangentTangent&, Scratch<Real>&) const override {}

 private:
  std::size_t inputs_, outputs_;
  Role role_;
  ParameterBlock c_;
};

}  // namespace spnode::core
