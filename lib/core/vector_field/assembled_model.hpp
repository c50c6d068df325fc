#pragma once
/// The right-hand side of a model at one theta.

#include "core/vector_field/model.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// The two parts of a vector of coefficients of a right-hand side, or of their adjoint or tangent.
template <class View>
struct CoefficientParts {
  View linear, nonlinear;
};

/// The first `linear` entries, and the rest.
template <class Entry>
CoefficientParts<Kokkos::View<Entry*, Kokkos::LayoutRight, Device, Unmanaged>> cut(
    const Kokkos::View<Entry*, Kokkos::LayoutRight, Device, Unmanaged>& all, std::size_t linear) {
  using View = Kokkos::View<Entry*, Kokkos::LayoutRight, Device, Unmanaged>;
  return {View(all.data(), linear), View(all.data() + linear, all.extent(0) - linear)};
}
template <class Entry>
CoefficientParts<std::span<Entry>> cut(std::span<Entry> all, std::size_t linear) {
  return {all.first(linear), all.subspan(linear)};
}

/// The coefficients of a model for the last theta: those of A_L on the host, those of the nonlinear terms as
/// tiles see them.
template <class Real>
class AssembledModel {
 public:
  /// Keeps a reference to the model.
  explicit AssembledModel(const BasicModel<Real>& model);

  const BasicModel<Real>& model() const { return model_; }

  /// Raises NumericalError where A_L is not finite.
  void set_parameters(std::span<const double> theta);

  std::span<const double> linear() const { return A_; }
  ConstVectorView<Real> nonlinear() const { return nonlinear_; }

  /// theta_bar += the adjoint of theta, from those of the coefficients of A and of the nonlinear terms.
  void assemble_vjp(std::span<const double> theta, CoefficientParts<std::span<const double>> bar,
                    std::span<double> theta_bar) const;

  /// The tangents of the coefficients, overwritten.
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    CoefficientParts<std::span<double>> dot) const;

 private:
  const BasicModel<Real>& model_;
  std::vector<double> A_, host_;
  Vector<Real> nonlinear_;
};

}  // namespace spnode::core
