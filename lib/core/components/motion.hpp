#pragma once

#include "core/components/component.hpp"

namespace spnode::core {

/// The first half of a system of second order in time, u = [x; v]: dx/dt = v. In scaled coordinates
/// dx_i/dt = rate_i v_i + drift_i.
///
/// Blocks, frozen: rate and drift, each (n / 2): 1 and 0, or what the scaling of the state makes of them.
template <class Real>
class Motion final : public LaneMap<Real> {
 public:
  /// `dimension` n is even.
  explicit Motion(std::size_t dimension) : half_(dimension / 2) {}

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void set_scaling(const Scaling& scaling, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return 2 * half_; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double>, std::span<const double>, std::span<double>) const override {}
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return 2 * half_; }
  std::size_t outputs() const override { return half_; }
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
  /// Zero: the coefficients are frozen.
  void apply_jvp_jvp(const ExecSpace&, const TangentTangent&, Scratch<Real>&) const override {}

 private:
  ConstVectorView<Real> rate(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data(), half_);
  }
  ConstVectorView<Real> drift(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + half_, half_);
  }
  template <class View>
  View velocity(const View& u) const {
    return rows_of(u, half_, half_);
  }

  std::size_t half_;
  ParameterBlock rate_, drift_;
};

}  // namespace spnode::core
