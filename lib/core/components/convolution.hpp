#pragma once

#include "core/components/component.hpp"
#include "core/components/network.hpp"
#include "core/components/options.hpp"

#include <vector>

namespace spnode::core {

/// A network of circular convolutions on the Fourier modes u of a periodic field (fourier_modes.hpp),
///
///   g(u; q) = sum_h R_h G^T sigma(G P_h u + a_h q + b_h),
///
/// which commutes with all shifts of the field: G (points, states) gives the values at equidistant points,
/// P_h and R_h multiply each pair of modes by a complex number, [x, -y; y, x], and the mean by a real one.
/// With 3 K + 1 points for the wave numbers up to K no product of two modes is aliased: sigma(x) = x^2 gives
/// the projection of a quadratic equation on the modes exactly (Kuramoto-Sivashinsky: JACREG, 4.3).
///
/// Tiles see a network of one hidden layer with the weights G P_h, R_h G^T.
///
/// Blocks: P (channels, states), R (channels, states): pairs (x, y), then the mean's number; a (channels,
/// arguments); b (channels).
template <class Real>
class Convolution final : public LaneMap<Real> {
 public:
  /// Raises OptionError where the states cannot be such modes, because their number is even or differs from
  /// that of the outputs.
  Convolution(TermShape shape, const ConvolutionOptions& options, std::string name);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return network_.coefficient_count(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return network_.inputs(); }
  std::size_t outputs() const override { return shape_.outputs; }
  std::size_t tape_rows() const override { return network_.tape_rows(); }
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override {
    network_.apply(space, value, scratch);
  }
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override {
    network_.apply_vjp(space, reverse, scratch);
  }
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override {
    network_.apply_jvp(space, tangent, scratch);
  }
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override {
    network_.apply_jvp_vjp(space, reverse, scratch);
  }
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override {
    network_.apply_jvp_jvp(space, tangent, scratch);
  }

 private:
  std::size_t hidden() const { return options_.channels * points_; }
  std::size_t columns() const { return shape_.states + shape_.arguments; }  // of the first layer

  TermShape shape_;
  ConvolutionOptions options_;
  std::string name_;
  std::size_t points_;
  std::vector<double> modes_;  // G^T, (states, points)
  Network<Real> network_;
  ParameterBlock P_, R_, a_, b_;
};

}  // namespace spnode::core
