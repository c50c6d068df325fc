#pragma once

#include "core/components/component.hpp"
#include "core/components/network.hpp"
#include "core/components/options.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// One direction between the scaled state z (m) and the latent state u (n): a linear map plus a network,
/// either of which may be absent (SPNODE-25, section 2.4; the linear map is the "POD linear part").
///
/// Blocks: the matrix (outputs, inputs) of the linear map and the network's.
template <class Real>
class LinearPlusNetwork final : public LaneMap<Real> {
 public:
  struct Shape {
    std::size_t inputs, outputs;
    std::string name;
  };
  LinearPlusNetwork(Shape shape, const AutoencoderOptions& options);

  /// Whether anything here learns; else the adjoint of the coefficients need not be accumulated.
  bool trainable() const { return !(linear_frozen_ || !has_linear_) || (network_ && !network_frozen_); }

  /// Where the linear map (outputs, inputs), row major, stands in theta; empty where there is none.
  std::span<double> linear_in(std::span<double> theta) const;

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  std::size_t coefficient_count() const override;
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return shape_.inputs; }
  std::size_t outputs() const override { return shape_.outputs; }
  std::size_t tape_rows() const override { return network_ ? network_->tape_rows() : 0; }
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
  std::size_t linear_size() const { return has_linear_ ? shape_.inputs * shape_.outputs : 0; }
  ConstMatrixView<Real> linear(const ConstVectorView<Real>& coefficients) const {
    return ConstMatrixView<Real>(coefficients.data(), shape_.outputs, shape_.inputs);
  }
  // The network's part of a vector of coefficients; none of none.
  template <class View>
  View network_part(const View& coefficients) const {
    if (coefficients.extent(0) == 0) return coefficients;
    return View(coefficients.data() + linear_size(), network_->coefficient_count());
  }
  // Where the network's adjoint goes: nowhere where it does not learn.
  VectorView<Real> network_bar(const VectorView<Real>& coefficients_bar) const {
    return network_frozen_ ? VectorView<Real>() : network_part(coefficients_bar);
  }

  Shape shape_;
  bool has_linear_, linear_frozen_, network_frozen_;
  std::unique_ptr<Network<Real>> network_;
  ParameterBlock linear_;
};

}  // namespace spnode::core
