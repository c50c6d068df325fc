#pragma once

#include "core/components/network.hpp"
#include "core/linear/fast/fast_operator.hpp"

namespace spnode::core {

/// T(x) = mu I + K(x) - M_0 M_0^T - sum_i phi_i(x) M_i M_i^T with K(x) skew and affine in x, M_0 lower
/// triangular with a positive diagonal, M_i (fast, rank) and weights phi_i(x) >= 0.
///
/// The symmetric part of T - mu I is at most -M_0 M_0^T < 0, so that not only the eigenvalues but also the
/// numerical abscissa are below mu for every x. The weights are none (constant: T = mu I + K_0 - M_0 M_0^T),
/// the hats max(x_k - low_k, 0) and max(high_k - x_k, 0) of a box, in which T is affine in x, or the outputs
/// of a network whose last activation is not negative (squareplus).
///
/// T is W f(x) with the features f = [1; x; phi] and the columns of W (fast^2, features), which follow from
/// the parameters: the coefficients are W, row major, then those of the network.
template <class Real>
class DissipativeForm final : public FastOperator<Real> {
 public:
  DissipativeForm(std::size_t slow, std::size_t fast, const HurwitzOptions& options);

  bool is_triangular() const override { return false; }

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  /// In closed form. With the eigenvalues of the symmetric parts of the A_k, sym A_k = D_k- - D_k+ with D_k+,
  /// D_k- >= 0, M_k M_k^T are D_k+ and D_k- of the hats, which hold T exactly inside the box [low, high], and
  /// M_0 M_0^T = mu I - sym A_0 + sum_k (low_k D_k+ - high_k D_k-), its eigenvalues raised to be positive.
  /// A network of one hidden layer that has low and high, and neurons and outputs for all hats, gets smooth
  /// ones. Without hats sym A_k is dropped.
  typename FastOperator<Real>::AffineFit set_affine(std::span<const double> A,
                                                    std::span<double> theta) const override;
  std::size_t coefficient_count() const override {
    return this->outputs() * features_ + (network_ ? network_->coefficient_count() : 0);
  }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t tape_rows() const override { return features_ + (network_ ? network_->tape_rows() : 0); }
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
  std::size_t linear_features() const { return weights_ == Dependence::constant ? 0 : this->slow(); }
  std::size_t weight_count() const { return features_ - 1 - linear_features(); }
  // Features of the tape, of an adjoint or a tangent: x, and the weights.
  template <class View>
  View linear_rows(const View& features) const {
    return rows_of(features, 1, linear_features());
  }
  template <class View>
  View weight_rows(const View& features) const {
    return rows_of(features, 1 + linear_features(), weight_count());
  }
  template <class View>
  View inner(const View& tape) const {
    return rows_of(tape, features_, network_ ? network_->tape_rows() : 0);
  }
  ConstMatrixView<Real> matrix(const ConstVectorView<Real>& coefficients) const {
    return ConstMatrixView<Real>(coefficients.data(), this->outputs(), features_);
  }
  template <class View>
  View network_part(const View& coefficients) const {
    if (coefficients.extent(0) == 0) return coefficients;
    return View(coefficients.data() + this->outputs() * features_, network_->coefficient_count());
  }
  void add_matrix_bar(const ExecSpace& space, ConstMatrixView<Real> y_bar, ConstMatrixView<Real> features,
                      VectorView<Real> coefficients_bar) const;
  // The tangent of the features along x, and of the weights along the coefficients of their network.
  MatrixView<Real> features_dot(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;
  double lower(std::span<const double> theta, std::size_t i, std::size_t j) const;
  bool holds_hats() const;
  void set_hats(std::span<double> theta) const;

  Dependence weights_;
  HurwitzOptions options_;
  std::size_t features_;
  Vector<Real> low_, high_;  // corners of the box
  std::unique_ptr<Network<Real>> network_;
  ParameterBlock K_, L_, M_;
};

}  // namespace spnode::core
